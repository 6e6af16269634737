package plots

import (
	"encoding/base64"
	"fmt"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
)

// alphabet is what texts are made of; letters beyond it are added as they
// come.
const alphabet = " !\"#$%&'()*+,-./0123456789:;<=>?@ABCDEFGHIJKLMNOPQRSTUVWXYZ[\\]^_`abcdefghijklmnopqrstuvwxyz{|}~≤±µ–∞"

// fontFaces gives the CSS that embeds the letters of Liberation Sans, regular
// and, where the text uses it, bold. vgsvg names family and weight in the
// style of each text.
func fontFaces(svg string) (string, error) {
	css, err := fontFace("normal", liberationsansregular.TTF, svg)
	if err != nil || !strings.Contains(svg, "font-weight:bold") {
		return css, err
	}
	bold, err := fontFace("bold", liberationsansbold.TTF, svg)
	return css + bold, err
}

func fontFace(weight string, ttf []byte, text string) (string, error) {
	small, err := subsetFont(ttf, alphabet+text)
	if err != nil {
		return "", fmt.Errorf("embed font: %w", err)
	}
	return fmt.Sprintf(`@font-face{font-family:"Liberation Sans";font-weight:%s;src:url(data:font/ttf;base64,%s) format("truetype")}`,
		weight, base64.StdEncoding.EncodeToString(small)), nil
}
