package tariff

import (
	"context"
	"fmt"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/web"
	"lotkeeper/shared/calendar"
)

func (s *Service) registerCalendars(api *web.API) {
	const all, path = "/api/v1/calendars", "/api/v1/calendars/{calendar}"
	web.Register(api, web.Operation{
		Access: mayRead, ID: "list-calendars", Method: http.MethodGet, Path: all, Tag: tag,
		Summary: "The operator's calendars of days", SummaryZH: "节假日日历列表",
	}, s.listCalendars)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "create-calendar", Method: http.MethodPost, Path: all, Tag: tag, Status: http.StatusCreated,
		Summary: "Make a calendar", SummaryZH: "新建日历",
	}, s.createCalendar)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-calendar", Method: http.MethodGet, Path: path, Tag: tag,
		Summary: "A calendar with its latest version and a list of all", SummaryZH: "日历详情：最新版本与版本列表",
	}, s.getCalendar)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "save-calendar", Method: http.MethodPut, Path: path, Tag: tag,
		Summary: "Save a calendar as its next version", SummaryZH: "保存日历为新版本",
	}, s.putCalendar)
	web.Register(api, web.Operation{
		Access: mayRead, ID: "get-calendar-version", Method: http.MethodGet, Path: path + "/versions/{version}", Tag: tag,
		Summary: "A version of a calendar", SummaryZH: "日历版本",
	}, s.getCalendarVersion)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "import-calendar", Method: http.MethodPost, Path: path + "/import", Tag: tag,
		Summary: "Take dates from CSV text: date,type,note; all lines or none", SummaryZH: "从 CSV 导入日期，全部成功或全部不导入",
	}, s.importCalendar)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "import-holidays", Method: http.MethodPost, Path: path + "/holidays", Tag: tag,
		Summary: "Take the public holidays of China, with the weekends on which people work", SummaryZH: "导入国务院公布的节假日及调休",
	}, s.importHolidays)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "assign-calendar", Method: http.MethodPost, Path: path + "/assign", Tag: tag,
		Summary: "Make lots go by a version of the calendar, as their next configuration", SummaryZH: "将日历分配给停车场，随新配置下发",
	}, s.assignCalendar)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "archive-calendar", Method: http.MethodPost, Path: path + "/archive", Tag: tag,
		Summary: "Take a calendar out of use; lots that use it go on", SummaryZH: "归档日历，已使用的停车场不受影响",
	}, s.archiveCalendar)
	web.Register(api, web.Operation{
		Access: mayWrite, ID: "unarchive-calendar", Method: http.MethodPost, Path: path + "/unarchive", Tag: tag,
		Summary: "Take a calendar back into use", SummaryZH: "取消归档",
	}, s.unarchiveCalendar)
}

type weekdaysBody struct {
	Monday    string `json:"monday,omitempty" maxLength:"40"`
	Tuesday   string `json:"tuesday,omitempty" maxLength:"40"`
	Wednesday string `json:"wednesday,omitempty" maxLength:"40"`
	Thursday  string `json:"thursday,omitempty" maxLength:"40"`
	Friday    string `json:"friday,omitempty" maxLength:"40"`
	Saturday  string `json:"saturday,omitempty" maxLength:"40"`
	Sunday    string `json:"sunday,omitempty" maxLength:"40"`
}

type dayBody struct {
	Date string `json:"date" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" example:"2026-10-01"`
	Type string `json:"type" maxLength:"40" doc:"workday, weekend, holiday, holiday_long or any word that tariffs use."`
	Note string `json:"note,omitempty" maxLength:"200" doc:"What the day is, for people."`
}

// CalendarVersionBody is a version in a list.
type CalendarVersionBody struct {
	Version   int       `json:"version"`
	Note      string    `json:"note"`
	By        string    `json:"by"`
	CreatedAt time.Time `json:"created_at"`
}

// CalendarDocumentBody is a version with its days.
type CalendarDocumentBody struct {
	CalendarVersionBody
	Weekdays weekdaysBody `json:"weekdays" doc:"Types of days of the week that differ from workday and weekend."`
	Days     []dayBody    `json:"days" doc:"By date."`
	Types    []string     `json:"types" doc:"Every type of day that it knows."`
}

func calendarVersionBodyOf(v CalendarVersion) CalendarVersionBody {
	return CalendarVersionBody{v.Version, v.Note, string(v.Actor), v.CreatedAt}
}

func documentOf(v CalendarVersion) CalendarDocumentBody {
	b := CalendarDocumentBody{
		CalendarVersionBody: calendarVersionBodyOf(v), Weekdays: weekdaysBody(v.Weekdays), Days: make([]dayBody, 0, len(v.Days)), Types: v.Document().Types(),
	}
	for _, d := range v.Days {
		b.Days = append(b.Days, dayBody{d.Date.String(), d.Type, d.Note})
	}
	return b
}

// CalendarBody is a calendar in a list.
type CalendarBody struct {
	ID        string     `json:"id"`
	Name      textBody   `json:"name"`
	Latest    int        `json:"latest" doc:"Newest version."`
	Archived  bool       `json:"archived"`
	CreatedAt time.Time  `json:"created_at"`
	UpdatedAt time.Time  `json:"updated_at"`
	Lots      []useBody  `json:"lots" doc:"Lots that go by it, with the version."`
	Warnings  []longBody `json:"warnings" doc:"Years without dates: this one, and from October on the next."`
}

func calendarBodyOf(c Calendar) CalendarBody {
	b := CalendarBody{
		ID: string(c.ID), Name: textBody(c.Name), Latest: c.Latest.Version, Archived: c.ArchivedAt != nil, CreatedAt: c.CreatedAt,
		UpdatedAt: c.UpdatedAt, Lots: usesOf(c.Lots), Warnings: []longBody{},
	}
	for _, w := range c.Warnings {
		b.Warnings = append(b.Warnings, longBody(w))
	}
	return b
}

type calendarDetailBody struct {
	CalendarBody
	Document CalendarDocumentBody  `json:"document" doc:"The latest version."`
	Versions []CalendarVersionBody `json:"versions" doc:"The newest first."`
}

type calendarOutput struct{ Body calendarDetailBody }

func (s *Service) calendarDetail(ctx context.Context, c Calendar, err error) (*calendarOutput, error) {
	if err != nil {
		return nil, err
	}
	versions, err := s.CalendarVersions(ctx, web.Who(ctx).Scope(), c.ID)
	if err != nil {
		return nil, err
	}
	out := &calendarOutput{calendarDetailBody{CalendarBody: calendarBodyOf(c), Document: documentOf(c.Latest), Versions: make([]CalendarVersionBody, 0, len(versions))}}
	for _, v := range versions {
		out.Body.Versions = append(out.Body.Versions, calendarVersionBodyOf(v))
	}
	return out, nil
}

type listCalendarsInput struct {
	Archived bool `query:"archived" doc:"Those out of use instead of those in use."`
}

type listCalendarsOutput struct {
	Body struct {
		Items []CalendarBody `json:"items"`
		Total int            `json:"total"`
	}
}

func (s *Service) listCalendars(ctx context.Context, in *listCalendarsInput) (*listCalendarsOutput, error) {
	found, err := s.Calendars(ctx, web.Who(ctx).Scope(), in.Archived)
	if err != nil {
		return nil, err
	}
	out := &listCalendarsOutput{}
	out.Body.Total, out.Body.Items = len(found), make([]CalendarBody, 0, len(found))
	for _, c := range found {
		out.Body.Items = append(out.Body.Items, calendarBodyOf(c))
	}
	return out, nil
}

// CalendarContentBody is what is decided about a calendar.
type CalendarContentBody struct {
	Weekdays weekdaysBody `json:"weekdays,omitempty"`
	Days     []dayBody    `json:"days,omitempty" maxItems:"5000"`
	Note     string       `json:"note,omitempty" maxLength:"500" doc:"Why, for those who come after."`
}

func (b CalendarContentBody) draft() (CalendarDraft, error) {
	d, bad := CalendarDraft{Weekdays: calendar.Weekdays(b.Weekdays), Note: b.Note}, ErrCalendar
	for i, x := range b.Days {
		date, err := calendar.ParseDate(x.Date)
		if err != nil {
			bad = bad.With(fmt.Sprintf("body.days[%d].date", i), "没有 "+x.Date+" 这一天", "there is no day "+x.Date)
		}
		d.Days = append(d.Days, Day{Date: date, Type: x.Type, Note: x.Note})
	}
	if len(bad.Details) > 0 {
		return d, bad
	}
	return d, nil
}

type createCalendarInput struct {
	Body struct {
		Name textBody `json:"name"`
		CalendarContentBody
	}
}

func (s *Service) createCalendar(ctx context.Context, in *createCalendarInput) (*calendarOutput, error) {
	d, err := in.Body.draft()
	if err != nil {
		return nil, err
	}
	d.Name.ZH, d.Name.EN = in.Body.Name.ZH, in.Body.Name.EN
	c, err := s.CreateCalendar(ctx, web.Who(ctx).Scope(), by(ctx), d)
	return s.calendarDetail(ctx, c, err)
}

type calendarPath struct {
	Calendar string `path:"calendar" maxLength:"40"`
}

func (s *Service) getCalendar(ctx context.Context, in *calendarPath) (*calendarOutput, error) {
	c, err := s.Calendar(ctx, web.Who(ctx).Scope(), CalendarID(in.Calendar))
	return s.calendarDetail(ctx, c, err)
}

type saveCalendarInput struct {
	Calendar string `path:"calendar" maxLength:"40"`
	Body     struct {
		Base int       `json:"base" minimum:"1" doc:"The version that the change was made on."`
		Name *textBody `json:"name,omitempty" doc:"None: as it is."`
		CalendarContentBody
	}
}

func (s *Service) putCalendar(ctx context.Context, in *saveCalendarInput) (*calendarOutput, error) {
	d, err := in.Body.draft()
	if err != nil {
		return nil, err
	}
	d.Name = nameGiven(in.Body.Name)
	c, err := s.SaveCalendar(ctx, web.Who(ctx).Scope(), by(ctx), CalendarID(in.Calendar), in.Body.Base, d)
	return s.calendarDetail(ctx, c, err)
}

type calendarVersionInput struct {
	Calendar string `path:"calendar" maxLength:"40"`
	Version  int    `path:"version" minimum:"1" maximum:"1000000"`
}

type calendarVersionOutput struct {
	Body struct {
		Calendar string `json:"calendar"`
		CalendarDocumentBody
	}
}

func (s *Service) getCalendarVersion(ctx context.Context, in *calendarVersionInput) (*calendarVersionOutput, error) {
	v, err := s.CalendarVersion(ctx, web.Who(ctx).Scope(), CalendarID(in.Calendar), in.Version)
	if err != nil {
		return nil, err
	}
	out := &calendarVersionOutput{}
	out.Body.Calendar, out.Body.CalendarDocumentBody = in.Calendar, documentOf(v)
	return out, nil
}

type importCalendarInput struct {
	Calendar string `path:"calendar" maxLength:"40"`
	Body     struct {
		Base    int    `json:"base" minimum:"1" doc:"The version that the dates are added to."`
		CSV     string `json:"csv" maxLength:"500000" doc:"Lines of date,type and perhaps a note."`
		Replace bool   `json:"replace,omitempty" doc:"Put the dates in the place of all there are."`
		Note    string `json:"note,omitempty" maxLength:"500"`
	}
}

func (s *Service) importCalendar(ctx context.Context, in *importCalendarInput) (*calendarOutput, error) {
	b := in.Body
	c, err := s.ImportCalendar(ctx, web.Who(ctx).Scope(), by(ctx), CalendarID(in.Calendar), b.Base, b.CSV, b.Replace, b.Note)
	return s.calendarDetail(ctx, c, err)
}

type importHolidaysInput struct {
	Calendar string `path:"calendar" maxLength:"40"`
	Body     struct {
		Base  int   `json:"base" minimum:"1" doc:"The version that the dates are added to."`
		Years []int `json:"years" minItems:"1" maxItems:"20" example:"[2026]"`
	}
}

func (s *Service) importHolidays(ctx context.Context, in *importHolidaysInput) (*calendarOutput, error) {
	c, err := s.ImportHolidays(ctx, web.Who(ctx).Scope(), by(ctx), CalendarID(in.Calendar), in.Body.Base, in.Body.Years)
	return s.calendarDetail(ctx, c, err)
}

type assignCalendarInput struct {
	Calendar string `path:"calendar" maxLength:"40"`
	Body     struct {
		Version int      `json:"version,omitempty" minimum:"0" maximum:"1000000" doc:"None: the latest."`
		Lots    []id.Lot `json:"lots" minItems:"1" maxItems:"1000"`
	}
}

func (s *Service) assignCalendar(ctx context.Context, in *assignCalendarInput) (*appliedOutput, error) {
	applied, err := s.AssignCalendar(ctx, web.Who(ctx).Scope(), by(ctx), CalendarRef{CalendarID(in.Calendar), in.Body.Version}, in.Body.Lots)
	if err != nil {
		return nil, err
	}
	out := &appliedOutput{}
	out.Body.Applied = appliedOf(applied)
	return out, nil
}

func (s *Service) archiveCalendar(ctx context.Context, in *calendarPath) (*calendarOutput, error) {
	c, err := s.ArchiveCalendar(ctx, web.Who(ctx).Scope(), by(ctx), CalendarID(in.Calendar), true)
	return s.calendarDetail(ctx, c, err)
}

func (s *Service) unarchiveCalendar(ctx context.Context, in *calendarPath) (*calendarOutput, error) {
	c, err := s.ArchiveCalendar(ctx, web.Who(ctx).Scope(), by(ctx), CalendarID(in.Calendar), false)
	return s.calendarDetail(ctx, c, err)
}
