package booth

import (
	"context"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/limit"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
)

type api struct {
	booths *Service
	tries  *limit.Limiter
}

// Register adds the operations.
func (s *Service) Register(w *web.API) {
	a := api{s, limit.New(3*time.Second, 20, 10_000, s.o.Now)}
	const tag, one = "booth", "/api/v1/lots/{lot}/booths/{booth}"
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.BoothEnrol},
		ID:     "create-booth-code", Method: http.MethodPost, Path: one + "/codes", Tag: tag, Status: http.StatusCreated,
		Summary: "A one-time code to enrol a booth with", SummaryZH: "生成岗亭一次性注册码",
	}, a.newCode)
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.BoothEnrol},
		ID:     "withdraw-booth", Method: http.MethodPost, Path: one + "/withdraw", Tag: tag,
		Summary: "Withdraw a booth's certificates: it must enrol again", SummaryZH: "收回岗亭证书，须重新注册",
	}, a.withdraw)
	web.Register(w, web.Operation{
		Access: web.Access{Public: "the one-time code is the permission"},
		ID:     "enroll", Method: http.MethodPost, Path: "/api/v1/enroll", Tag: tag, MaxBody: 16 << 10,
		Summary: "Enrol a booth: code and signing request for a certificate", SummaryZH: "岗亭注册：用注册码换取证书",
	}, a.enroll)
	s.devices(w)
}

type boothInput struct {
	Lot   string `path:"lot" maxLength:"40"`
	Booth string `path:"booth" maxLength:"40"`
}

type codeOutput struct {
	Body struct {
		Code      string    `json:"code" doc:"Shown once; case and dashes do not matter."`
		ExpiresAt time.Time `json:"expires_at"`
	}
}

func by(ctx context.Context) By {
	from := web.From(ctx)
	return By{Actor: web.Who(ctx).Actor(), RequestID: from.RequestID, Address: from.Address}
}

func (a api) newCode(ctx context.Context, in *boothInput) (*codeOutput, error) {
	c, err := a.booths.NewCode(ctx, by(ctx), web.Who(ctx).Scope(), id.Lot(in.Lot), in.Booth)
	if err != nil {
		return nil, err
	}
	out := &codeOutput{}
	out.Body.Code, out.Body.ExpiresAt = c.Code, c.ExpiresAt
	return out, nil
}

func (a api) withdraw(ctx context.Context, in *boothInput) (*struct{}, error) {
	return nil, a.booths.Withdraw(ctx, by(ctx), web.Who(ctx).Scope(), id.Lot(in.Lot), in.Booth)
}

type enrollInput struct {
	Body struct {
		Code string `json:"code" minLength:"8" maxLength:"64"`
		CSR  string `json:"csr" maxLength:"8192" doc:"PEM; only its Ed25519 key is used."`
	}
}

type enrollOutput struct{ Body Enrolled }

func (a api) enroll(ctx context.Context, in *enrollInput) (*enrollOutput, error) {
	from := web.From(ctx)
	if ok, wait := a.tries.Allow(from.Address); !ok {
		return nil, ErrSlow.After(wait)
	}
	out, err := a.booths.Enroll(ctx, from.Address, from.RequestID, in.Body.Code, in.Body.CSR)
	if err != nil {
		return nil, err
	}
	return &enrollOutput{out}, nil
}
