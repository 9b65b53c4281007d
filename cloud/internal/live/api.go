package live

import (
	"context"
	"net/http"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/wire"
)

// Register adds the operations.
func (s *Service) Register(api *web.API) {
	web.Register(api, web.Operation{
		Access: web.Access{Permission: permission.LiveRead},
		ID:     "get-live", Method: http.MethodGet, Path: "/api/v1/lots/{lot}/live", Tag: "live",
		Summary: "A lot as it is now", SummaryZH: "停车场实时状态",
	}, s.get)
}

type getInput struct {
	Lot string `path:"lot" maxLength:"40"`
}

type getOutput struct {
	Body struct {
		Inside   int    `json:"inside"`
		Capacity int    `json:"capacity"`
		Lanes    []Lane `json:"lanes"`
	}
}

func (s *Service) get(ctx context.Context, in *getInput) (*getOutput, error) {
	l, err := s.o.Lots.ByID(ctx, web.Who(ctx).Scope(), id.Lot(in.Lot))
	if err != nil {
		return nil, err
	}
	states := map[string]Lane{}
	for _, x := range s.Lanes(in.Lot) {
		states[x.Lane] = x
	}
	online := map[string]bool{}
	for _, b := range l.Booths {
		online[b.ID] = b.Online
	}
	out := &getOutput{}
	out.Body.Inside, out.Body.Capacity, out.Body.Lanes = l.Inside, l.Config.Capacity, []Lane{}
	for _, c := range l.Config.Lanes {
		b := Lane{Live: wire.Live{Lane: c.ID, Dir: c.Dir}, Booth: c.Booth}
		if x, ok := states[c.ID]; ok {
			b.Live, b.SeenAt = x.Live, x.SeenAt
		}
		b.Online = online[c.Booth] && s.Online(in.Lot, c.Booth)
		out.Body.Lanes = append(out.Body.Lanes, b)
	}
	return out, nil
}
