package lot_test

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"strings"
	"sync"
	"testing"

	"lotkeeper/cloud/internal/lot"
	"lotkeeper/cloud/internal/lot/lottest"
	"lotkeeper/cloud/internal/platform/id"
	"lotkeeper/cloud/internal/platform/scope"
	"lotkeeper/shared/fact"
	"lotkeeper/shared/money"
	"lotkeeper/shared/tariff"
	"lotkeeper/shared/wire"
)

var system = scope.System("test")

func TestEveryChangeIsTheNextNumberAndReachesTheBooths(t *testing.T) {
	w := lottest.New(t)
	first := w.Riverside()
	if first.Number != 1 || first.PayURL != "https://parking.example/pay?lot=riverside" {
		t.Errorf("first configuration %+v", first)
	}
	for _, booth := range []string{"booth-a", "booth-b"} {
		sent := w.Broker.On(booth, wire.ConfigDown)
		if len(sent) != 1 || !sent[0].Retained {
			t.Fatalf("%s was sent %d configurations", booth, len(sent))
		}
		signed, err := wire.Decode[wire.Signed](sent[0].Payload)
		lottest.Must(t, err)
		got, err := wire.OpenConfig(signed, w.CA.ConfigPublicKey())
		if err != nil || got.Number != 1 || len(got.Lanes) != 2 {
			t.Errorf("%s reads %+v: %v", booth, got, err)
		}
	}
	spec := lottest.Spec(t, "booth")
	spec.Capacity = 50
	spec.Booths, spec.Lanes = spec.Booths[:1], spec.Lanes[:1]
	next, err := w.Lots.Update(t.Context(), lot.By{Actor: "test"}, system, "riverside", 1, spec)
	if err != nil || next.Number != 2 || next.Capacity != 50 {
		t.Fatalf("%+v: %v", next, err)
	}
	if n := w.Count(`SELECT count(*) FROM booths WHERE removed_at IS NULL`); n != 1 {
		t.Errorf("%d booths, want 1", n)
	}
	if n := w.Count(`SELECT count(*) FROM configs`); n != 2 {
		t.Errorf("%d configurations are kept, want 2", n)
	}
	if _, err := w.Lots.Update(t.Context(), lot.By{Actor: "test"}, system, "riverside", 1, spec); !errors.Is(err, lot.ErrStale) {
		t.Errorf("a change on an old number: %v", err)
	}
	if n := w.Count(`SELECT count(*) FROM audit WHERE subject = 'lot:riverside'`); n != 2 {
		t.Errorf("%d audit rows, want 2", n)
	}
}

func TestABrokerThatIsAwayDoesNotStopAChange(t *testing.T) {
	w := lottest.New(t)
	w.Broker.Fail(errors.New("away"))
	w.Riverside()
	w.Broker.Fail(nil)
	lottest.Must(t, w.Lots.Offer(t.Context(), "riverside", "booth-a"))
	if sent := w.Broker.On("booth-a", wire.ConfigDown); len(sent) != 1 {
		t.Errorf("%d configurations offered", len(sent))
	}
}

func TestPublishedTariffsStay(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	change := func(number uint64, edit func(*lot.Spec)) (wire.Config, error) {
		spec := lottest.Spec(t, "booth")
		edit(&spec)
		return w.Lots.Update(context.Background(), lot.By{Actor: "test"}, system, "riverside", number, spec)
	}
	_, err := change(1, func(s *lot.Spec) { s.Tariffs[0].Plans[0].Bands[0].Steps[0].Price = money.Rat{Num: 1, Den: 1} })
	if !errors.Is(err, lot.ErrImmutable) {
		t.Errorf("a changed version: %v", err)
	}
	c, err := change(1, func(s *lot.Spec) {
		s.Tariffs = []tariff.Tariff{lottest.Tariff(t, 2)}
		s.Rules[0].Tariff.Version = 2
	})
	lottest.Must(t, err)
	if _, ok := c.Tariff(fact.TariffRef{ID: "short", Version: 1}); !ok || len(c.Tariffs) != 2 {
		t.Error("version 1 left the configuration although stays may be pinned to it")
	}
	if _, err := w.DB.SQL().ExecContext(t.Context(), `UPDATE tariffs SET document = '{}'`); err == nil {
		t.Error("a stored tariff was changed")
	}
}

func TestConcurrentChangesOneWins(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	var all sync.WaitGroup
	results := make(chan error, 8)
	for i := range 8 {
		all.Go(func() {
			spec := lottest.Spec(t, "booth")
			spec.Capacity = i
			_, err := w.Lots.Update(context.Background(), lot.By{Actor: "test"}, system, "riverside", 1, spec)
			results <- err
		})
	}
	all.Wait()
	close(results)
	won := 0
	for err := range results {
		if err == nil {
			won++
		} else if !errors.Is(err, lot.ErrStale) {
			t.Error(err)
		}
	}
	if won != 1 || w.Count(`SELECT config_number FROM lots`) != 2 {
		t.Errorf("%d of 8 changes on one number were taken", won)
	}
}

func TestBadSpecsAreRefusedWithEveryFault(t *testing.T) {
	w := lottest.New(t)
	w.Riverside()
	for name, tc := range map[string]struct {
		lot  id.Lot
		edit func(*lot.Spec)
		want string
	}{
		"bad id":                   {"River_Side", func(*lot.Spec) {}, "body.id"},
		"no name":                  {"x", func(s *lot.Spec) { s.Name.EN = " " }, "body.name"},
		"control character":        {"x", func(s *lot.Spec) { s.Name.ZH = "a\x00" }, "body.name"},
		"bad currency":             {"x", func(s *lot.Spec) { s.Currency = "yuan" }, "body.currency"},
		"bad zone":                 {"x", func(s *lot.Spec) { s.TZ = "Mars/Base" }, "time zone"},
		"a lane without its booth": {"x", func(s *lot.Spec) { s.Booths = nil }, "which the lot does not have"},
		"a rule without a tariff":  {"x", func(s *lot.Spec) { s.Rules[0].Tariff.Version = 9 }, "does not carry"},
		"tariff in other money":    {"x", func(s *lot.Spec) { s.Tariffs[0].Currency = "USD" }, "not the lot's currency"},
		"broken tariff":            {"x", func(s *lot.Spec) { s.Tariffs[0].Plans = nil }, "plans"},
		"device twice":             {"x", func(s *lot.Spec) { s.Lanes[1].Devices[0].ID = "cam-in" }, "stands twice"},
		"settings not JSON":        {"x", func(s *lot.Spec) { s.Lanes[0].Devices[0].Settings = json.RawMessage("{") }, "not JSON"},
		"booth named cloud":        {"x", func(s *lot.Spec) { s.Booths[0].ID = "cloud" }, "cloud"},
		"booth of another lot":     {"x", func(*lot.Spec) {}, "taken"},
		"lot that exists":          {"riverside", func(*lot.Spec) {}, "taken"},
	} {
		spec := lottest.Spec(t, "booth")
		tc.edit(&spec)
		_, err := w.Lots.Create(t.Context(), lot.By{Actor: "test"}, "op_a", tc.lot, spec)
		if err == nil || !strings.Contains(err.Error(), tc.want) {
			t.Errorf("%s: got %v, want %q in it", name, err, tc.want)
		}
	}
	if n := w.Count(`SELECT count(*) FROM lots`); n != 1 {
		t.Errorf("%d lots, want 1", n)
	}
}

func TestLotsOverHTTP(t *testing.T) {
	w := lottest.New(t)
	s := w.Serve(w.Lots.Register)
	create := map[string]any{
		"id": "riverside", "kind": "off_street", "name": map[string]string{"zh": "河滨", "en": "Riverside"}, "tz": "Asia/Shanghai", "currency": "CNY", "capacity": 10,
		"booths": []any{map[string]any{"id": "booth-a", "name": map[string]string{"zh": "岗亭", "en": "Booth"}, "voter": true}},
		"lanes": []any{map[string]any{
			"id": "entry-1", "name": map[string]string{"zh": "入口", "en": "Entry"}, "dir": "entry", "booth": "booth-a",
			"devices": []any{map[string]any{"id": "cam", "role": "camera", "kind": "vz", "settings": map[string]any{"address": "127.0.0.1:1"}}},
		}},
		"tariffs":  []any{lottest.Tariff(t, 1)},
		"rules":    []any{map[string]any{"tariff": "short", "version": 1}},
		"calendar": map[string]any{"id": "cn", "version": 1, "dates": map[string]string{"2026-10-01": "holiday"}},
	}
	for who, want := range map[lottest.Who]int{lottest.Anonymous: 401, lottest.Seat: 403, lottest.OneLot: 403} {
		if status, code := s.Do(who, http.MethodPost, "/api/v1/lots", create, nil); status != want {
			t.Errorf("create as %q: %d %s, want %d", who, status, code, want)
		}
	}
	var made map[string]any
	if status, code := s.Do(lottest.Admin, http.MethodPost, "/api/v1/lots", create, &made); status != http.StatusCreated {
		t.Fatalf("create: %d %s", status, code)
	}
	// What is read can be written back.
	made["capacity"] = 20
	update := map[string]any{}
	for _, k := range []string{"config_number", "kind", "name", "tz", "currency", "capacity", "lanes", "tariffs", "rules", "calendar", "policy"} {
		if v, ok := made[k]; ok {
			update[k] = v
		}
	}
	update["booths"] = create["booths"]
	var got struct {
		Capacity     int    `json:"capacity"`
		ConfigNumber uint64 `json:"config_number"`
		Tariff       struct {
			ID   string            `json:"id"`
			Text map[string]string `json:"text"`
		} `json:"tariff"`
		Lanes []struct {
			Devices []struct {
				Settings map[string]any `json:"settings"`
			} `json:"devices"`
		} `json:"lanes"`
		Booths []map[string]any `json:"booths"`
	}
	if status, code := s.Do(lottest.Admin, http.MethodPut, "/api/v1/lots/riverside", update, &got); status != 200 {
		t.Fatalf("update: %d %s", status, code)
	}
	if got.Capacity != 20 || got.ConfigNumber != 2 || got.Tariff.ID != "short" || got.Tariff.Text["zh"] == "" ||
		got.Lanes[0].Devices[0].Settings["address"] != "127.0.0.1:1" || got.Booths[0]["id"] != "booth-a" || got.Booths[0]["online"] != false {
		t.Errorf("got %+v", got)
	}
	for who, want := range map[lottest.Who]int{lottest.Anonymous: 401, lottest.Seat: 200, lottest.OneLot: 404, lottest.Foreign: 404} {
		if status, _ := s.Do(who, http.MethodGet, "/api/v1/lots/riverside", nil, nil); status != want {
			t.Errorf("read as %q: %d, want %d", who, status, want)
		}
	}
	for who, want := range map[lottest.Who]int{lottest.Seat: 403, lottest.OneLot: 404, lottest.Foreign: 404} {
		update["config_number"] = 2
		if status, _ := s.Do(who, http.MethodPut, "/api/v1/lots/riverside", update, nil); status != want {
			t.Errorf("update as %q: %d, want %d", who, status, want)
		}
	}
	for who, want := range map[lottest.Who]int{lottest.Admin: 1, lottest.OneLot: 0, lottest.Foreign: 0} {
		var list struct {
			Items []map[string]any `json:"items"`
			Total int              `json:"total"`
		}
		s.Do(who, http.MethodGet, "/api/v1/lots?q=riv&kind=off_street", nil, &list)
		if list.Total != want || len(list.Items) != want {
			t.Errorf("%s sees %d lots, want %d", who, list.Total, want)
		}
		if want == 1 && (list.Items[0]["lanes"] != 1.0 || list.Items[0]["booths"] != 1.0 || list.Items[0]["booths_online"] != 0.0) {
			t.Errorf("summary %v", list.Items[0])
		}
	}
	status, png, h := s.Raw(lottest.Admin, http.MethodGet, "/api/v1/lots/riverside/lanes/entry-1/qr.png", nil)
	if status != 200 || h.Get("Content-Type") != "image/png" || !strings.HasPrefix(string(png), "\x89PNG") {
		t.Errorf("code of the lane: %d", status)
	}
	for path, who := range map[string]lottest.Who{"/api/v1/lots/riverside/lanes/nope/qr.png": lottest.Admin, "/api/v1/lots/riverside/lanes/entry-1/qr.png": lottest.Foreign} {
		if status, _, _ := s.Raw(who, http.MethodGet, path, nil); status != 404 {
			t.Errorf("%s as %s: %d, want 404", path, who, status)
		}
	}
	if fmt.Sprint(s.API().OpenAPI().Paths["/api/v1/lots"]) == "" {
		t.Error("not in the document")
	}
}
