package right

import (
	"context"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
	engine "lotkeeper/shared/right"
)

var (
	mayRead  = web.Access{Permission: permission.RightRead}
	mayWrite = web.Access{Permission: permission.RightWrite}
)

// Register adds the operations.
func (s *Service) Register(api *web.API) {
	const tag, all, path = "right", "/api/v1/rights", "/api/v1/rights/{right}"
	web.Register(api, web.Operation{
		Access: mayRead, ID: "list-rights", Method: http.MethodGet, Path: all, Tag: tag,
		Summary: "Month cards, free and black lists, special classes and arrears, the latest first", SummaryZH: "权益列表：月卡、免费名单、黑名单、特殊车牌、欠费",
	}, s.list)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "create-right", Method: http.MethodPost, Path: all, Tag: tag, Status: http.StatusCreated, Idempotent: true,
		Summary: "Add a right; its lots' booths have it within seconds", SummaryZH: "新建权益，数秒内下发到岗亭",
	}, s.create)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "import-rights", Method: http.MethodPost, Path: all + "/import", Tag: tag, Status: http.StatusCreated, Idempotent: true, MaxBody: 8 << 20,
		Summary: "Add many rights, all or none; what is wrong is told by row", SummaryZH: "批量导入权益，全部成功或全部不导入，逐行提示错误",
	}, s.load)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-right", Method: http.MethodGet, Path: path, Tag: tag,
		Summary: "A right", SummaryZH: "权益详情",
	}, s.get)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "update-right", Method: http.MethodPut, Path: path, Tag: tag,
		Summary: "Give a right its next version", SummaryZH: "修改权益",
	}, s.put)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "delete-right", Method: http.MethodDelete, Path: path, Tag: tag,
		Summary: "Take a right out of every lot", SummaryZH: "删除权益",
	}, s.remove)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-lot-rights", Method: http.MethodGet, Path: "/api/v1/lots/{lot}/rights", Tag: tag,
		Summary: "Which rights are published for a lot, and which are in force at each booth", SummaryZH: "停车场权益的下发状态：最新编号与各岗亭已生效编号",
	}, s.state)
}

func by(ctx context.Context) By {
	from := web.From(ctx)
	return By{Actor: web.Who(ctx).Actor(), RequestID: from.RequestID, Address: from.Address}
}

type listInput struct {
	Kind    string `query:"kind" enum:"permit,free,special,black,arrears,entitled"`
	Plate   string `query:"plate" maxLength:"40" doc:"As people write it."`
	Lot     string `query:"lot" maxLength:"40" doc:"Those that hold there."`
	Current bool   `query:"current" doc:"Without those whose last period has ended."`
	Page    int    `query:"page" minimum:"1" maximum:"100000" default:"1"`
	Size    int    `query:"size" minimum:"1" maximum:"200" default:"20"`
}

type listOutput struct {
	Body struct {
		Items []RightBody `json:"items"`
		Total int64       `json:"total"`
	}
}

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	f := Filter{Kind: engine.Kind(in.Kind), Lot: id.Lot(in.Lot), Page: in.Page, Size: in.Size}
	if in.Plate != "" {
		p, err := parsePlate(plateBody{Text: in.Plate})
		if err != nil {
			return nil, ErrInvalid.With("query.plate", "车牌有误", err.Error())
		}
		f.Plate = p.Text
	}
	if in.Current {
		f.At = s.now()
	}
	found, total, err := s.Find(ctx, web.Who(ctx).Scope(), f)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Total, out.Body.Items = total, make([]RightBody, 0, len(found))
	for _, r := range found {
		out.Body.Items = append(out.Body.Items, bodyOf(r))
	}
	return out, nil
}

type createInput struct{ Body ContentBody }

type rightOutput struct{ Body RightBody }

func (s *Service) create(ctx context.Context, in *createInput) (*rightOutput, error) {
	d, bad := in.Body.draft(ErrInvalid, "body")
	if len(bad.Details) > 0 {
		return nil, bad
	}
	who := web.Who(ctx).Scope()
	ids, err := s.Create(ctx, who, by(ctx), web.IdempotencyKey(ctx), []Draft{d})
	if err != nil {
		return nil, err
	}
	return s.one(ctx, ids[0])
}

func (s *Service) one(ctx context.Context, which ID) (*rightOutput, error) {
	r, err := s.ByID(ctx, web.Who(ctx).Scope(), which)
	if err != nil {
		return nil, err
	}
	return &rightOutput{bodyOf(r)}, nil
}

type loadInput struct {
	Body struct {
		Items []ContentBody `json:"items" minItems:"1" maxItems:"5000"`
	}
}

type loadOutput struct {
	Body struct {
		IDs []ID `json:"ids" doc:"In the order of the items."`
	}
}

func (s *Service) load(ctx context.Context, in *loadInput) (*loadOutput, error) {
	bad, drafts := ErrInvalid, make([]Draft, len(in.Body.Items))
	for i, b := range in.Body.Items {
		drafts[i], bad = b.draft(bad, place(i, len(in.Body.Items)))
		if len(bad.Details) > maxFaults {
			break
		}
	}
	if len(bad.Details) > 0 {
		return nil, bad
	}
	ids, err := s.Create(ctx, web.Who(ctx).Scope(), by(ctx), web.IdempotencyKey(ctx), drafts)
	if err != nil {
		return nil, err
	}
	out := &loadOutput{}
	out.Body.IDs = ids
	return out, nil
}

type rightPath struct {
	Right string `path:"right" maxLength:"40"`
}

func (s *Service) get(ctx context.Context, in *rightPath) (*rightOutput, error) {
	return s.one(ctx, ID(in.Right))
}

type putInput struct {
	Right string `path:"right" maxLength:"40"`
	Body  struct {
		Version uint64 `json:"version" minimum:"1" doc:"The version that the change was made on."`
		ContentBody
	}
}

func (s *Service) put(ctx context.Context, in *putInput) (*rightOutput, error) {
	d, bad := in.Body.draft(ErrInvalid, "body")
	if len(bad.Details) > 0 {
		return nil, bad
	}
	r, err := s.Update(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Right), in.Body.Version, d)
	if err != nil {
		return nil, err
	}
	return &rightOutput{bodyOf(r)}, nil
}

func (s *Service) remove(ctx context.Context, in *rightPath) (*struct{}, error) {
	return nil, s.Delete(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Right))
}

type stateInput struct {
	Lot string `path:"lot" maxLength:"40"`
}

type boothBody struct {
	Booth   string     `json:"booth"`
	Number  uint64     `json:"number" doc:"In force there; 0: none."`
	SaidAt  *time.Time `json:"said_at" doc:"When it first said so."`
	Applied bool       `json:"applied" doc:"It has the newest."`
}

type stateOutput struct {
	Body struct {
		Number   uint64      `json:"number" doc:"Newest; 0: none yet."`
		Rights   int         `json:"rights" doc:"How many there are."`
		IssuedAt *time.Time  `json:"issued_at"`
		Waiting  bool        `json:"waiting" doc:"A change is about to be published."`
		Booths   []boothBody `json:"booths"`
	}
}

func (s *Service) state(ctx context.Context, in *stateInput) (*stateOutput, error) {
	st, err := s.State(ctx, web.Who(ctx).Scope(), id.Lot(in.Lot))
	if err != nil {
		return nil, err
	}
	out := &stateOutput{}
	b := &out.Body
	b.Number, b.Rights, b.IssuedAt, b.Waiting, b.Booths = st.Number, st.Count, taken(st.Issued), st.Waiting, []boothBody{}
	for _, x := range st.Booths {
		b.Booths = append(b.Booths, boothBody{x.Booth, x.Number, x.SaidAt, x.Number == st.Number})
	}
	return out, nil
}
