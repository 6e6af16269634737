/*
 * hazardlist.h: one line for each hazard, in the order of the catalogue
 * (results/hazardrows.go). hazards.c includes it wherever it needs
 * something of each, hence no guard. HAZARD(x) is struct hazard hazard_x, in a
 * file of its own.
 */
HAZARD(foreign_before)
HAZARD(foreign_after)
HAZARD(rank0_client)
HAZARD(between_forks)
HAZARD(shared_ctx)
HAZARD(private_locks)
HAZARD(many_errors)
HAZARD(python)
HAZARD(curl)
HAZARD(postgres)
HAZARD(mariadb)
HAZARD(handoff)
HAZARD(late_forks)
HAZARD(mutual_tls)
HAZARD(reload)
HAZARD(long_lived)
HAZARD(fips)
HAZARD(provider_state)
HAZARD(tls_variable)
HAZARD(atfork_user)
HAZARD(worker_forks)
HAZARD(rank0_thread)
HAZARD(orderly_exit)
HAZARD(parent_errors)
HAZARD(second_context)
HAZARD(killed_worker)
HAZARD(foreign_shared)
