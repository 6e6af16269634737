package plots

import (
	"encoding/base64"
	"fmt"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
)

// alphabet is what texts of a page are made of; letters beyond it are added as
// they come.
const alphabet = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~≤±µ–∞"

// fontFaces gives the CSS that embeds the letters of a text in Liberation Sans,
// regular and, where the styles use it, bold.
func fontFaces(css, text string) (string, error) {
	faces, err := fontFace("normal", liberationsansregular.TTF, text)
	if err != nil || !strings.Contains(css, "font-weight:bold") {
		return faces, err
	}
	bold, err := fontFace("bold", liberationsansbold.TTF, text)
	return faces + bold, err
}

func fontFace(weight string, ttf []byte, text string) (string, error) {
	small, err := subsetFont(ttf, text)
	if err != nil {
		return "", fmt.Errorf("embed font: %w", err)
	}
	packed, err := packFont(small)
	if err != nil {
		return "", fmt.Errorf("embed font: %w", err)
	}
	return fmt.Sprintf(`@font-face{font-family:"Liberation Sans";font-weight:%s;src:url(data:font/woff;base64,%s) format("woff")}`,
		weight, base64.StdEncoding.EncodeToString(packed)), nil
}
