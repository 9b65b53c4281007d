package alarm

import "testing"

func TestEveryCodeHasWords(t *testing.T) {
	for code, text := range texts {
		if text.ZH == "" || text.EN == "" || Text(code) != text {
			t.Errorf("%s: %+v", code, text)
		}
	}
	if Text("new_code").EN != "new_code" {
		t.Error("an unknown code is not shown as itself")
	}
}
