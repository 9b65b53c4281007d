package account

import (
	"context"
	"net/http"
	"time"

	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/permission"
	"lotkeeper/cloud/internal/platform/web"
)

type operatorBody struct {
	ID   id.Operator `json:"id"`
	Name string      `json:"name"`
}

type userBody struct {
	ID         id.User      `json:"id"`
	Operator   operatorBody `json:"operator"`
	Name       string       `json:"name" doc:"Sign-in name."`
	FullName   string       `json:"full_name"`
	Role       Role         `json:"role" enum:"admin,seat"`
	AllLots    bool         `json:"all_lots" doc:"Sees every lot of the operator."`
	Lots       []id.Lot     `json:"lots" doc:"The lots seen, when not all."`
	MustChange bool         `json:"must_change" doc:"The password was set by somebody else and should be changed."`
	Disabled   bool         `json:"disabled"`
	CreatedAt  time.Time    `json:"created_at"`
}

func bodyOf(u User) userBody {
	lots := u.Lots
	if lots == nil {
		lots = []id.Lot{}
	}
	return userBody{
		ID: u.ID, Operator: operatorBody{ID: u.Operator.ID, Name: u.Operator.Name}, Name: u.Name, FullName: u.FullName, Role: u.Role,
		AllLots: u.AllLots, Lots: lots, MustChange: u.MustChange, Disabled: u.DisabledAt != nil, CreatedAt: u.CreatedAt,
	}
}

type meBody struct {
	User        userBody `json:"user"`
	Permissions []string `json:"permissions" doc:"What this user may do, as session.read."`
}

func meOf(u User) meBody {
	me := meBody{User: bodyOf(u), Permissions: []string{}}
	for _, p := range u.Role.Permissions() {
		me.Permissions = append(me.Permissions, string(p))
	}
	return me
}

type api struct {
	accounts *Service
	web      *web.API
}

// Register adds the operations.
func (s *Service) Register(w *web.API) {
	a := api{accounts: s, web: w}
	const tag, users = "account", "/api/v1/users"
	web.Register(w, web.Operation{
		Access: web.Access{Public: "nobody is signed in before signing in"},
		ID:     "sign-in", Method: http.MethodPost, Path: "/api/v1/sign-in", Tag: tag, MaxBody: 4096,
		Summary: "Sign in; sets the cookie", SummaryZH: "登录，设置 Cookie",
	}, a.signIn)
	web.Register(w, web.Operation{
		Access: web.Access{SignedIn: true},
		ID:     "sign-out", Method: http.MethodPost, Path: "/api/v1/sign-out", Tag: tag, MaxBody: 4096,
		Summary: "Sign out; open websockets close", SummaryZH: "退出登录，实时连接随之断开",
	}, a.signOut)
	web.Register(w, web.Operation{
		Access: web.Access{SignedIn: true},
		ID:     "me", Method: http.MethodGet, Path: "/api/v1/me", Tag: tag,
		Summary: "Who I am and what I may do", SummaryZH: "当前用户及其权限",
	}, a.me)
	web.Register(w, web.Operation{
		Access: web.Access{SignedIn: true},
		ID:     "change-password", Method: http.MethodPost, Path: "/api/v1/me/password", Tag: tag, MaxBody: 4096,
		Summary: "Change my password; my other sign-ins end", SummaryZH: "修改密码，其他登录随之失效",
	}, a.changePassword)
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.UserRead},
		ID:     "list-users", Method: http.MethodGet, Path: users, Tag: tag,
		Summary: "Users of my operator", SummaryZH: "用户列表",
	}, a.list)
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.UserWrite},
		ID:     "create-user", Method: http.MethodPost, Path: users, Tag: tag, Status: http.StatusCreated,
		Summary: "Add a user; he must change the password", SummaryZH: "新增用户，首次登录须改密码",
	}, a.create)
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.UserRead},
		ID:     "get-user", Method: http.MethodGet, Path: users + "/{id}", Tag: tag,
		Summary: "One user", SummaryZH: "用户详情",
	}, a.get)
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.UserWrite},
		ID:     "update-user", Method: http.MethodPatch, Path: users + "/{id}", Tag: tag,
		Summary: "Change a user; what is left out stays", SummaryZH: "修改用户，未给出的字段不变",
	}, a.update)
	web.Register(w, web.Operation{
		Access: web.Access{Permission: permission.UserWrite},
		ID:     "reset-password", Method: http.MethodPost, Path: users + "/{id}/password", Tag: tag, MaxBody: 4096,
		Summary: "Set a user's password; his sign-ins end", SummaryZH: "重置密码，其登录随之失效",
	}, a.reset)
}

func by(ctx context.Context) By {
	from := web.From(ctx)
	b := By{Actor: "anonymous", RequestID: from.RequestID, Address: from.Address}
	if p := web.Who(ctx); p.SignedIn() {
		b.Actor = p.Actor()
	}
	return b
}

type signInInput struct {
	Body struct {
		Name     string `json:"name" minLength:"1" maxLength:"64"`
		Password string `json:"password" minLength:"1" maxLength:"256"`
	}
}

type meOutput struct {
	Cookie string `header:"Set-Cookie"`
	Body   meBody
}

func (a api) signIn(ctx context.Context, in *signInInput) (*meOutput, error) {
	done, err := a.accounts.SignIn(ctx, in.Body.Name, in.Body.Password, web.From(ctx).Agent, by(ctx))
	if err != nil {
		return nil, err
	}
	return &meOutput{Cookie: a.web.Cookie(done.Token, done.Expires).String(), Body: meOf(done.User)}, nil
}

type signOutOutput struct {
	Cookie string `header:"Set-Cookie"`
}

func (a api) signOut(ctx context.Context, _ *struct{}) (*signOutOutput, error) {
	if err := a.accounts.SignOut(ctx, web.Who(ctx), by(ctx)); err != nil {
		return nil, err
	}
	return &signOutOutput{Cookie: a.web.Cookie("", time.Time{}).String()}, nil
}

type getMeOutput struct{ Body meBody }

func (a api) me(ctx context.Context, _ *struct{}) (*getMeOutput, error) {
	p := web.Who(ctx)
	u, err := a.accounts.User(ctx, p.Scope(), p.User())
	if err != nil {
		return nil, err
	}
	return &getMeOutput{Body: meOf(u)}, nil
}

type passwordInput struct {
	Body struct {
		Old string `json:"old" minLength:"1" maxLength:"256"`
		New string `json:"new" minLength:"10" maxLength:"256"`
	}
}

func (a api) changePassword(ctx context.Context, in *passwordInput) (*struct{}, error) {
	return nil, a.accounts.ChangePassword(ctx, web.Who(ctx), by(ctx), in.Body.Old, in.Body.New)
}

type listOutput struct {
	Body struct {
		Users []userBody `json:"users"`
	}
}

func (a api) list(ctx context.Context, _ *struct{}) (*listOutput, error) {
	found, err := a.accounts.Users(ctx, web.Who(ctx).Scope())
	if err != nil {
		return nil, err
	}
	out := &listOutput{}
	out.Body.Users = make([]userBody, 0, len(found))
	for _, u := range found {
		out.Body.Users = append(out.Body.Users, bodyOf(u))
	}
	return out, nil
}

type createInput struct {
	Body struct {
		Name     string   `json:"name" minLength:"2" maxLength:"64"`
		FullName string   `json:"full_name,omitempty" maxLength:"64"`
		Role     Role     `json:"role" enum:"admin,seat"`
		AllLots  bool     `json:"all_lots"`
		Lots     []id.Lot `json:"lots,omitempty" maxItems:"1000"`
		Password string   `json:"password" minLength:"10" maxLength:"256"`
	}
}

type userOutput struct{ Body userBody }

func (a api) create(ctx context.Context, in *createInput) (*userOutput, error) {
	sc := web.Who(ctx).Scope()
	b := in.Body
	u, err := a.accounts.Create(ctx, sc, by(ctx), sc.Operator(), Draft{
		Name: b.Name, FullName: b.FullName, Role: b.Role, AllLots: b.AllLots, Lots: b.Lots, Password: b.Password,
	}, true)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: bodyOf(u)}, nil
}

type userPath struct {
	ID id.User `path:"id" maxLength:"40"`
}

func (a api) get(ctx context.Context, in *userPath) (*userOutput, error) {
	u, err := a.accounts.User(ctx, web.Who(ctx).Scope(), in.ID)
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: bodyOf(u)}, nil
}

type updateInput struct {
	ID   id.User `path:"id" maxLength:"40"`
	Body struct {
		FullName *string   `json:"full_name,omitempty" maxLength:"64"`
		Role     *Role     `json:"role,omitempty" enum:"admin,seat"`
		AllLots  *bool     `json:"all_lots,omitempty"`
		Lots     *[]id.Lot `json:"lots,omitempty" maxItems:"1000"`
		Disabled *bool     `json:"disabled,omitempty"`
	}
}

func (a api) update(ctx context.Context, in *updateInput) (*userOutput, error) {
	b := in.Body
	u, err := a.accounts.Update(ctx, web.Who(ctx).Scope(), by(ctx), in.ID, Change{
		FullName: b.FullName, Role: b.Role, AllLots: b.AllLots, Lots: b.Lots, Disabled: b.Disabled,
	})
	if err != nil {
		return nil, err
	}
	return &userOutput{Body: bodyOf(u)}, nil
}

type resetInput struct {
	ID   id.User `path:"id" maxLength:"40"`
	Body struct {
		Password string `json:"password" minLength:"10" maxLength:"256"`
	}
}

func (a api) reset(ctx context.Context, in *resetInput) (*struct{}, error) {
	return nil, a.accounts.ResetPassword(ctx, web.Who(ctx).Scope(), by(ctx), in.ID, in.Body.Password)
}
