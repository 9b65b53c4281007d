package tariff

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
	engine "lotkeeper/shared/tariff"
)

// Register adds the operations.
func (s *Service) Register(api *web.API) {
	s.registerTariffs(api)
	s.registerRules(api)
	s.registerCalendars(api)
	s.registerChecks(api)
	s.registerRehearsals(api)
}

const tag = "tariff"

var (
	mayRead  = web.Access{Permission: permission.TariffRead}
	mayWrite = web.Access{Permission: permission.TariffWrite}
)

func (s *Service) registerTariffs(api *web.API) {
	const all, path = "/api/v1/tariffs", "/api/v1/tariffs/{tariff}"
	web.Register(api, web.Operation{
		Access: mayRead, ID: "list-tariffs", Method: http.MethodGet, Path: all, Tag: tag,
		Summary: "The operator's tariffs by name", SummaryZH: "费率库列表",
	}, s.list)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "create-tariff", Method: http.MethodPost, Path: all, Tag: tag, Status: http.StatusCreated,
		Summary: "Make a tariff with a draft", SummaryZH: "新建费率草稿",
	}, s.create)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-tariff", Method: http.MethodGet, Path: path, Tag: tag,
		Summary: "A tariff with its draft and a list of its versions", SummaryZH: "费率详情：草稿与版本列表",
	}, s.get)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "write-tariff-draft", Method: http.MethodPut, Path: path + "/draft", Tag: tag,
		Summary: "Write the draft; it may be wrong and has no effect", SummaryZH: "保存草稿，不影响计费",
	}, s.write)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "discard-tariff-draft", Method: http.MethodDelete, Path: path + "/draft", Tag: tag,
		Summary: "Throw the draft away", SummaryZH: "放弃草稿",
	}, s.discard)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "publish-tariff", Method: http.MethodPost, Path: path + "/publish", Tag: tag,
		Summary: "Make the draft the next version, for ever; lots may be moved to it", SummaryZH: "发布草稿为新版本，不可再改；可同时应用到停车场",
	}, s.publishDraft)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "apply-tariff", Method: http.MethodPost, Path: path + "/apply", Tag: tag,
		Summary: "Move the rules of lots that name the tariff to one of its versions", SummaryZH: "将停车场规则切换到指定版本",
	}, s.applyVersion)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "copy-tariff", Method: http.MethodPost, Path: path + "/copy", Tag: tag, Status: http.StatusCreated,
		Summary: "Make a new tariff whose draft is a version of this one", SummaryZH: "复制为新费率",
	}, s.copyTariff)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "archive-tariff", Method: http.MethodPost, Path: path + "/archive", Tag: tag,
		Summary: "Take a tariff out of use; lots that use it go on", SummaryZH: "归档费率，已使用的停车场不受影响",
	}, s.archive)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "unarchive-tariff", Method: http.MethodPost, Path: path + "/unarchive", Tag: tag,
		Summary: "Take a tariff back into use", SummaryZH: "取消归档",
	}, s.unarchive)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-tariff-version", Method: http.MethodGet, Path: path + "/versions/{version}", Tag: tag,
		Summary: "A published version with its document and its text for customers", SummaryZH: "费率版本：文档与收费标准文字",
	}, s.getVersion)
}

type textBody struct {
	ZH string `json:"zh" maxLength:"200"`
	EN string `json:"en" maxLength:"200"`
}

// longBody is text of any length, as an explanation.
type longBody struct {
	ZH string `json:"zh"`
	EN string `json:"en"`
}

type useBody struct {
	Lot     string `json:"lot"`
	Version int    `json:"version"`
}

func usesOf(uses []Use) []useBody {
	out := make([]useBody, 0, len(uses))
	for _, u := range uses {
		out = append(out, useBody{string(u.Lot), u.Version})
	}
	return out
}

// TariffBody is a tariff in a list. It is exported because the document is made from embedded fields of exported types
// only.
type TariffBody struct {
	ID        string    `json:"id"`
	Name      textBody  `json:"name"`
	Number    int64     `json:"number" doc:"Counts every change; a change names the number it was made on."`
	HasDraft  bool      `json:"has_draft"`
	Latest    int       `json:"latest" doc:"Newest published version; 0: none."`
	Archived  bool      `json:"archived"`
	CreatedAt time.Time `json:"created_at"`
	UpdatedAt time.Time `json:"updated_at"`
	Lots      []useBody `json:"lots" doc:"Lots whose rules name it, each with the newest version it names."`
}

func bodyOf(t Tariff) TariffBody {
	return TariffBody{
		ID: string(t.ID), Name: textBody(t.Name), Number: t.Number, HasDraft: t.Draft != nil, Latest: t.Latest,
		Archived: t.ArchivedAt != nil, CreatedAt: t.CreatedAt, UpdatedAt: t.UpdatedAt, Lots: usesOf(t.Lots),
	}
}

type draftBody struct {
	Text string    `json:"text" doc:"Exactly as it was written: JSON, right or wrong."`
	By   string    `json:"by"`
	At   time.Time `json:"at"`
}

type findingBody struct {
	Level string   `json:"level" enum:"error,warning"`
	Code  string   `json:"code"`
	Place string   `json:"place" doc:"Where in the document, as plans[0].bands[1].to."`
	Text  longBody `json:"text"`
}

func findingsOf(findings []engine.Finding) []findingBody {
	out := make([]findingBody, 0, len(findings))
	for _, f := range findings {
		out = append(out, findingBody{string(f.Level), f.Code, f.Place, longBody(f.Text)})
	}
	return out
}

// VersionBody is a published version in a list.
type VersionBody struct {
	Version     int           `json:"version"`
	Note        string        `json:"note"`
	By          string        `json:"by"`
	PublishedAt time.Time     `json:"published_at"`
	Accepted    []findingBody `json:"accepted" doc:"Warnings that it was published in spite of."`
}

func versionBodyOf(v Version) VersionBody {
	return VersionBody{v.Version, v.Note, string(v.Actor), v.PublishedAt, findingsOf(v.Accepted)}
}

type detailBody struct {
	TariffBody
	Draft    *draftBody    `json:"draft" doc:"Null: nothing is being written."`
	Versions []VersionBody `json:"versions" doc:"The newest first."`
}

type detailOutput struct{ Body detailBody }

// detail adds the versions to a tariff.
func (s *Service) detail(ctx context.Context, t Tariff, err error) (*detailOutput, error) {
	if err != nil {
		return nil, err
	}
	versions, err := s.Versions(ctx, web.Who(ctx).Scope(), t.ID)
	if err != nil {
		return nil, err
	}
	out := &detailOutput{Body: detailBody{TariffBody: bodyOf(t), Versions: make([]VersionBody, 0, len(versions))}}
	if t.Draft != nil {
		out.Body.Draft = &draftBody{t.Draft.Text, string(t.Draft.By), t.Draft.At}
	}
	for _, v := range versions {
		out.Body.Versions = append(out.Body.Versions, versionBodyOf(v))
	}
	return out, nil
}

func by(ctx context.Context) By {
	from := web.From(ctx)
	return By{Actor: web.Who(ctx).Actor(), RequestID: from.RequestID, Address: from.Address}
}

type listInput struct {
	Q        string `query:"q" maxLength:"100" doc:"Part of a name or of the id."`
	Archived bool   `query:"archived" doc:"Those out of use instead of those in use."`
}

type listOutput struct {
	Body struct {
		Items []TariffBody `json:"items"`
		Total int          `json:"total"`
	}
}

func (s *Service) list(ctx context.Context, in *listInput) (*listOutput, error) {
	found, err := s.Find(ctx, web.Who(ctx).Scope(), in.Archived, in.Q)
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Total, out.Body.Items = len(found), make([]TariffBody, 0, len(found))
	for _, t := range found {
		out.Body.Items = append(out.Body.Items, bodyOf(t))
	}
	return out, nil
}

type createInput struct {
	Body struct {
		Name *textBody `json:"name,omitempty" doc:"None: the text's."`
		Text string    `json:"text,omitempty" maxLength:"262144" doc:"The draft, JSON; none: a small tariff to begin with."`
	}
}

func nameGiven(b *textBody) engine.Text {
	if b == nil {
		return engine.Text{}
	}
	return engine.Text(*b)
}

func (s *Service) create(ctx context.Context, in *createInput) (*detailOutput, error) {
	t, err := s.Create(ctx, web.Who(ctx).Scope(), by(ctx), nameGiven(in.Body.Name), in.Body.Text)
	return s.detail(ctx, t, err)
}

type tariffPath struct {
	Tariff string `path:"tariff" maxLength:"40"`
}

func (s *Service) get(ctx context.Context, in *tariffPath) (*detailOutput, error) {
	t, err := s.ByID(ctx, web.Who(ctx).Scope(), ID(in.Tariff))
	return s.detail(ctx, t, err)
}

type writeInput struct {
	Tariff string `path:"tariff" maxLength:"40"`
	Body   struct {
		Number int64  `json:"number" minimum:"1" doc:"Of the tariff that the text was written on."`
		Text   string `json:"text" maxLength:"262144"`
	}
}

func (s *Service) write(ctx context.Context, in *writeInput) (*detailOutput, error) {
	t, err := s.Write(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), in.Body.Number, in.Body.Text)
	return s.detail(ctx, t, err)
}

type discardInput struct {
	Tariff string `path:"tariff" maxLength:"40"`
	Number int64  `query:"number" minimum:"1" required:"true" doc:"Of the tariff as it was seen."`
}

func (s *Service) discard(ctx context.Context, in *discardInput) (*detailOutput, error) {
	t, err := s.Discard(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), in.Number)
	return s.detail(ctx, t, err)
}

type calendarRefBody struct {
	ID      string `json:"id" maxLength:"40"`
	Version int    `json:"version,omitempty" minimum:"0" doc:"None: the latest."`
}

func (b *calendarRefBody) ref() *CalendarRef {
	if b == nil {
		return nil
	}
	return &CalendarRef{CalendarID(b.ID), b.Version}
}

type publishInput struct {
	Tariff string `path:"tariff" maxLength:"40"`
	Body   struct {
		Number   int64            `json:"number" minimum:"1" doc:"Of the tariff as its publisher saw it. The same number again publishes nothing new."`
		Accept   bool             `json:"accept_warnings,omitempty" doc:"Publish in spite of warnings."`
		Note     string           `json:"note,omitempty" maxLength:"500" doc:"Why, for those who come after."`
		Calendar *calendarRefBody `json:"calendar,omitempty" doc:"That its days are judged by; none: the operator's newest."`
		ApplyTo  []id.Lot         `json:"apply_to,omitempty" maxItems:"1000" doc:"Lots whose rules that name an older version are moved to this one."`
	}
}

type appliedBody struct {
	Lot          string `json:"lot"`
	Rules        int    `json:"rules" doc:"Rules of the lot that name the version now; 0: the lot does not use the tariff."`
	ConfigNumber uint64 `json:"config_number"`
	Changed      bool   `json:"changed"`
}

func appliedOf(all []Applied) []appliedBody {
	out := make([]appliedBody, 0, len(all))
	for _, a := range all {
		out = append(out, appliedBody{string(a.Lot), a.Rules, a.ConfigNumber, a.Changed})
	}
	return out
}

type publishOutput struct {
	Body struct {
		Version  VersionBody   `json:"version"`
		Same     bool          `json:"same" doc:"Nothing new was published: the version was there."`
		Findings []findingBody `json:"findings"`
		Applied  []appliedBody `json:"applied"`
	}
}

func (s *Service) publishDraft(ctx context.Context, in *publishInput) (*publishOutput, error) {
	b := in.Body
	p, err := s.Publish(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), Publication{
		Number: b.Number, Accept: b.Accept, Note: b.Note, Calendar: b.Calendar.ref(), Lots: b.ApplyTo,
	})
	if err != nil {
		return nil, err
	}
	out := &publishOutput{}
	out.Body.Version, out.Body.Same, out.Body.Findings, out.Body.Applied = versionBodyOf(p.Version), p.Same, findingsOf(p.Findings), appliedOf(p.Applied)
	return out, nil
}

type applyInput struct {
	Tariff string `path:"tariff" maxLength:"40"`
	Body   struct {
		Version int      `json:"version" minimum:"1" maximum:"1000000"`
		Lots    []id.Lot `json:"lots" minItems:"1" maxItems:"1000"`
	}
}

type appliedOutput struct {
	Body struct {
		Applied []appliedBody `json:"applied"`
	}
}

func (s *Service) applyVersion(ctx context.Context, in *applyInput) (*appliedOutput, error) {
	applied, err := s.Apply(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), in.Body.Version, in.Body.Lots)
	if err != nil {
		return nil, err
	}
	out := &appliedOutput{}
	out.Body.Applied = appliedOf(applied)
	return out, nil
}

type copyInput struct {
	Tariff string `path:"tariff" maxLength:"40"`
	Body   struct {
		Version int       `json:"version,omitempty" minimum:"0" maximum:"1000000" doc:"None: the draft, or else the latest."`
		Name    *textBody `json:"name,omitempty"`
	}
}

func (s *Service) copyTariff(ctx context.Context, in *copyInput) (*detailOutput, error) {
	t, err := s.Copy(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), in.Body.Version, nameGiven(in.Body.Name))
	return s.detail(ctx, t, err)
}

func (s *Service) archive(ctx context.Context, in *tariffPath) (*detailOutput, error) {
	t, err := s.Archive(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), true)
	return s.detail(ctx, t, err)
}

func (s *Service) unarchive(ctx context.Context, in *tariffPath) (*detailOutput, error) {
	t, err := s.Archive(ctx, web.Who(ctx).Scope(), by(ctx), ID(in.Tariff), false)
	return s.detail(ctx, t, err)
}

type versionInput struct {
	Tariff  string `path:"tariff" maxLength:"40"`
	Version int    `path:"version" minimum:"1" maximum:"1000000"`
}

type versionOutput struct {
	Body struct {
		Tariff string `json:"tariff"`
		VersionBody
		Document any      `json:"document" doc:"The tariff as booths have it."`
		Explain  longBody `json:"explain" doc:"In plain words for customers, one rule a line."`
	}
}

func (s *Service) getVersion(ctx context.Context, in *versionInput) (*versionOutput, error) {
	v, err := s.Version(ctx, web.Who(ctx).Scope(), ID(in.Tariff), in.Version)
	if err != nil {
		return nil, err
	}
	t, err := v.decode()
	if err != nil {
		return nil, err
	}
	out := &versionOutput{}
	out.Body.Tariff, out.Body.VersionBody = string(v.Tariff), versionBodyOf(v)
	if err := json.Unmarshal(v.Document, &out.Body.Document); err != nil {
		return nil, fmt.Errorf("read document of %s: %w", v.Tariff, err)
	}
	out.Body.Explain.ZH, out.Body.Explain.EN = engine.Explain(t)
	return out, nil
}
