package agree

import "testing"

func FuzzParseProtocol(f *testing.F) {
	f.Add(protocol("abcdefgh23456722", "booth-a.abcdefgh23456722"))
	f.Add(protocolPrefix)
	f.Add(protocolPrefix + "//")
	f.Add("h2")
	f.Fuzz(func(t *testing.T, text string) {
		if group, member, ok := parseProtocol(text); ok && protocol(group, member) != text {
			t.Errorf("%q was taken for group %q, member %q", text, group, member)
		}
	})
}
