package lot

import (
	"fmt"
	"slices"
	"unicode/utf8"

	"github.com/alexedwards/argon2id"

	"lotkeeper/shared/wire"
)

// hashCode hashes the code with which a person signs in at a booth. Booths compare it themselves, so the parameters are
// those that a small machine bears.
func hashCode(code string) (string, error) {
	hash, err := argon2id.CreateHash(code, &argon2id.Params{Memory: 19 << 10, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32})
	if err != nil {
		return "", fmt.Errorf("hash code: %w", err)
	}
	return hash, nil
}

// staffed gives a spec the staff that it means: none given keeps what is in force, and who has no new code keeps the old.
func staffed(spec Spec, now wire.Config) (Spec, error) {
	if spec.Staff == nil {
		spec.Staff = now.Staff
		return spec, nil
	}
	spec.Staff = slices.Clone(spec.Staff)
	for i := range spec.Staff {
		s := &spec.Staff[i]
		if s.Hash != "" {
			continue
		}
		k := slices.IndexFunc(now.Staff, func(x wire.Staff) bool { return x.Name == s.Name })
		if k < 0 {
			return spec, ErrInvalid.With(fmt.Sprintf("body.staff[%d].code", i), "新员工须有口令", "a new person needs a code")
		}
		s.Hash = now.Staff[k].Hash
	}
	return spec, nil
}

type staffBody struct {
	Name   string   `json:"name" maxLength:"64"`
	Rights []string `json:"rights" maxItems:"20" doc:"What the person may do at the booth: open, cash, waive, correct, promise, relieve, mode."`
	Code   string   `json:"code,omitempty" maxLength:"100" writeOnly:"true" doc:"A new code to sign in at the booth, 6 characters or more; none keeps the old one."`
}

func staffOf(c wire.Config) []staffBody {
	var out []staffBody
	for _, s := range c.Staff {
		b := staffBody{Name: s.Name, Rights: []string{}}
		for _, r := range s.Rights {
			b.Rights = append(b.Rights, string(r))
		}
		out = append(out, b)
	}
	return out
}

// staff reads what was sent; nil when nothing was.
func staff(bodies []staffBody) ([]wire.Staff, error) {
	if bodies == nil {
		return nil, nil
	}
	out := []wire.Staff{}
	for i, b := range bodies {
		where := fmt.Sprintf("body.staff[%d]", i)
		s := wire.Staff{Name: b.Name, Rights: []wire.StaffRight{}}
		for _, r := range b.Rights {
			if !slices.Contains(wire.StaffRights(), wire.StaffRight(r)) {
				return nil, ErrInvalid.With(where+".rights", "没有权限 "+r, "there is no right "+r)
			}
			s.Rights = append(s.Rights, wire.StaffRight(r))
		}
		if b.Code != "" {
			if utf8.RuneCountInString(b.Code) < 6 {
				return nil, ErrInvalid.With(where+".code", "口令至少 6 个字符", "a code has at least 6 characters")
			}
			hash, err := hashCode(b.Code)
			if err != nil {
				return nil, err
			}
			s.Hash = hash
		}
		out = append(out, s)
	}
	return out, nil
}
