# fixtures.R: expected values of package inference, computed by R alone.
#
#   Rscript fixtures.R > fixtures.tsv
#
# Each line holds a function, its arguments and R's results, separated by tabs.
# Lists are separated by spaces. The samples come from the seed below. Base R is
# enough: the exact Mann-Whitney test with ties, which wilcox.test refuses, goes
# through all choices with combn.
options(digits = 15)
set.seed(20261129)
show <- function(x) paste(format(x, digits = 15, trim = TRUE), collapse = " ")
row <- function(name, ...) cat(paste(c(name, sapply(list(...), show)), collapse = "\t"), "\n", sep = "")

# Exact, two-sided: twice the smaller tail, at most 1.
enumerated <- function(a, b) {
	ranks <- rank(c(a, b))
	sums <- combn(length(ranks), length(a), function(i) sum(ranks[i]))
	seen <- sum(ranks[seq_along(a)])
	min(1, 2 * min(mean(sums <= seen + 1e-9), mean(sums >= seen - 1e-9)))
}
row("mann-whitney", 2, c(1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3), enumerated(2, c(1, 1, 2, 2, 2, 2, 2, 3, 3, 3, 3, 3)))
row("mann-whitney", 1, c(0, 0, 0, 1), enumerated(1, c(0, 0, 0, 1)))
row("mann-whitney", c(-3, -2, -3), c(-2, -1, -2, 0, -1, 2, 0), enumerated(c(-3, -2, -3), c(-2, -1, -2, 0, -1, 2, 0)))
for (i in 1:60) {
	a <- sample(-3:3, sample(1:8, 1), TRUE)
	b <- sample(-2:4, sample(1:8, 1), TRUE)
	if (length(unique(c(a, b))) > 1) row("mann-whitney", a, b, enumerated(a, b))
}
for (i in 1:30) {
	a <- round(rnorm(sample(2:45, 1)), 6)
	b <- round(rnorm(sample(2:45, 1), 0.5), 6)
	row("mann-whitney", a, b, wilcox.test(a, b, exact = TRUE)$p.value)
}
for (i in 1:10) {
	a <- sample(1:30, 90, TRUE)
	b <- sample(2:33, 70, TRUE)
	row("mann-whitney", a, b, wilcox.test(a, b, exact = FALSE, correct = TRUE)$p.value)
}

# The lower and the upper end by Clopper and Pearson.
for (n in c(1, 2, 5, 59, 60, 1000, 100000, 1000000)) for (k in unique(c(0, 1, n %/% 3, n - 1, n))) {
	for (confidence in c(0.8, 0.95, 0.999999)) {
		if (k >= 0 && k <= n) row("proportion", k, n, confidence, binom.test(k, n, conf.level = confidence)$conf.int)
	}
}

# Rate's own formula, which its doc comment states.
rate <- function(events, exposure, confidence) {
	tail <- (1 - confidence) / 2
	n <- length(events)
	E <- sum(exposure)
	S <- sum(events)
	low <- if (S > 0) qgamma(tail, S) else 0
	high <- qgamma(1 - tail, S + 1)
	if (n >= 2 && S > 0) {
		v <- sum((events - S / E * exposure)^2) * n / (n - 1) * (qt(1 - tail, n - 1) / qnorm(1 - tail))^2
		dispersion <- max(1, v / S)
		low <- qgamma(tail, S / dispersion) * dispersion
		if (v > 0) high <- max(high, S / (qgamma(tail, S^2 / v) / (S^2 / v)))
	}
	c(low, high) / E
}
# One event and equal exposure: the variance equals the events in exact
# arithmetic, so the interval must not depend on how the sum is rounded.
for (n in c(4, 5, 7, 8, 12, 13, 14)) row("rate", c(1, rep(0, n - 1)), rep(370e-6, n), 0.95, rate(c(1, rep(0, n - 1)), rep(370e-6, n), 0.95))
for (i in 1:40) {
	n <- sample(3:20, 1)
	exposure <- round(runif(n, 0.5, 2), 3)
	events <- rnbinom(n, size = 0.8, mu = 3 * exposure)
	row("rate", events, exposure, 0.95, rate(events, exposure, 0.95))
}

for (i in 1:40) {
	n <- sample(1:200, 2)
	k <- c(sample(0:n[1], 1), sample(0:n[2], 1))
	row("fisher", k[1], n[1], k[2], n[2], fisher.test(matrix(c(k[1], n[1] - k[1], k[2], n[2] - k[2]), 2))$p.value)
}

# First damage: d damaged lives in so many attempts, two-sided.
for (d in c(1, 2, 3, 10, 59)) for (attempts in c(500, 15000, 1e6)) {
	row("first-damage", d, attempts, 0.95, c(qchisq(0.025, 2 * d), qchisq(0.975, 2 * d + 2)) / 2 / attempts)
}
# How many times as often: 0 damaged in so many attempts, against d in others.
# d damaged lives came after sum A attempts, so 2 lambda A is chi-squared with
# 2d degrees of freedom, and the bound is a quantile of F(2, 2d).
for (d in c(3, 20, 61)) row("rarer", 15000, d, 800, 0.95, qf(0.95, 2, 2 * d) * 800 / d / 15000)
