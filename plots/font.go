package plots

import (
	"encoding/base64"
	"fmt"
	"strings"

	"codeberg.org/go-fonts/liberation/liberationsansbold"
	"codeberg.org/go-fonts/liberation/liberationsansregular"
)

// fontFaces gives the CSS that embeds Liberation Sans, regular and, where the
// text uses it, bold. vgsvg names family and weight in the style of each text.
func fontFaces(svg string) string {
	css := fontFace("normal", liberationsansregular.TTF)
	if strings.Contains(svg, "font-weight:bold") {
		css += fontFace("bold", liberationsansbold.TTF)
	}
	return css
}

func fontFace(weight string, ttf []byte) string {
	return fmt.Sprintf(`@font-face{font-family:"Liberation Sans";font-weight:%s;src:url(data:font/ttf;base64,%s) format("truetype")}`,
		weight, base64.StdEncoding.EncodeToString(ttf))
}
