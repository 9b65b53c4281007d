package rig

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/goccy/go-yaml"
)

func (r *Rig) write(name string, v any) (string, error) {
	b, err := yaml.Marshal(v)
	if err != nil {
		return "", fmt.Errorf("encode %s: %w", name, err)
	}
	file := r.path(name)
	if err := os.WriteFile(file, b, 0o600); err != nil {
		return "", fmt.Errorf("write %s: %w", name, err)
	}
	return file, nil
}

func (r *Rig) startFakePay(ctx context.Context) error {
	p, err := r.run(FakePay, r.bin("fakepay"), "--listen", r.addr["fakepay"], "--keys", r.path("fakepay"), "--retry", "1s,2s,4s,8s,15s,15s,30s")
	if err != nil {
		return err
	}
	return p.ready(ctx, r.health(FakePay))
}

func (r *Rig) startCloud(ctx context.Context) error {
	var merchant struct {
		MchID    string `json:"mchid"`
		AppID    string `json:"app_id"`
		Serial   string `json:"serial"`
		PublicID string `json:"public_key_id"`
	}
	keys := r.path("fakepay")
	b, err := os.ReadFile(filepath.Join(keys, "merchant.json"))
	if err == nil {
		err = json.Unmarshal(b, &merchant)
	}
	if err != nil {
		return fmt.Errorf("read the payment double's merchant: %w", err)
	}
	broker := map[string]any{"listen": r.addr["broker"], "public_url": "ssl://" + r.Broker.Address()}
	if r.options.Mosquitto {
		broker["url"] = "ssl://" + r.addr["broker"]
	}
	config, err := r.write("cloud.yaml", map[string]any{
		"data_dir": r.path("cloud"),
		"http":     map[string]any{"listen": r.addr["http"], "public_url": r.CloudURL},
		"devices":  map[string]any{"listen": r.addr["devices"], "hosts": []string{r.host, "localhost"}, "public_url": "https://" + r.Photos.Address()},
		"broker":   broker,
		"ops":      map[string]any{"listen": r.addr["ops"]},
		"pay": map[string]any{"wechat": map[string]any{
			"mchid": merchant.MchID, "app_id": merchant.AppID, "serial": merchant.Serial,
			"private_key_file": filepath.Join(keys, "merchant_key.pem"), "api_v3_key_file": filepath.Join(keys, "api_v3_key"),
			"public_key_id": merchant.PublicID, "public_key_file": filepath.Join(keys, "platform_pub.pem"), "base_url": r.PayURL,
		}},
	})
	if err != nil {
		return err
	}
	if err := r.startMosquitto(ctx, config); err != nil {
		return err
	}
	p, err := r.run(Cloud, r.bin("lotkeeper-cloud"), "serve", "--config", config)
	if err != nil {
		return err
	}
	if err := p.ready(ctx, r.health(Cloud)); err != nil {
		return err
	}
	for _, u := range []struct{ name, role, full string }{{Admin, "admin", "李明 Li Ming"}, {Seat, "seat", "王芳 Wang Fang"}} {
		if _, err := output(ctx, Password+"\n", r.bin("lotkeeper-cloud"), "user", "add", u.name, "--operator", Operator,
			"--role", u.role, "--full-name", u.full, "--password-stdin", "--config", config); err != nil {
			return err
		}
	}
	return nil
}

// lanes as lotsim calls them are the lot's: entry-1, exit-1.
func (r *Rig) startSim(ctx context.Context) error {
	traffic := map[string]any{"off": true}
	if r.options.Traffic != nil {
		traffic = r.options.Traffic
	}
	config, err := r.write("lotsim.yaml", map[string]any{
		"seed": r.options.Seed, "http": r.addr["sim"], "lines": r.path("lines"),
		"lot": Lot, "cloud": r.CloudURL, "fakepay": r.PayURL,
		"cashier": map[string]any{"name": Cashier, "code": Code},
		"lanes": []map[string]any{
			{"name": "entry-1", "dir": "entry", "camera": r.addr["cam-entry"], "board": r.addr["board-entry"], "booth": r.BoothURL[EntryBooth]},
			{"name": "exit-1", "dir": "exit", "camera": r.addr["cam-exit"], "board": "serial", "booth": r.BoothURL[ExitBooth]},
		},
		"traffic": traffic,
	})
	if err != nil {
		return err
	}
	p, err := r.run(Sim, r.bin("lotsim"), "--config", config)
	if err != nil {
		return err
	}
	return p.ready(ctx, r.health(Sim))
}

type object = map[string]any

func text(zh, en string) object { return object{"zh": zh, "en": en} }

// spec is the rig's lot as an operator describes it. Short stays meet short units, so that a demonstration has bills.
func (r *Rig) spec() object {
	lane := func(id, zh, en, dir, booth, cam, board string) object {
		barrier := object{
			"unit": 1, "open_coil": 0, "close_coil": 1, "pulse": "500ms", "pulse_by": "flash",
			"inputs": object{"limit_up": 0, "limit_down": 1, "loop_arrive": 2, "loop_safety": 3, "manual_open": 5, "fire_alarm": 6},
		}
		if board == "" {
			barrier["serial"], barrier["baud"] = filepath.Join(r.path("lines"), id+"-board"), 115200
		} else {
			barrier["tcp"] = board
		}
		return object{
			"id": id, "name": text(zh, en), "dir": dir, "booth": booth,
			"devices": []object{
				{"id": id + "-camera", "role": "camera", "kind": "vz", "settings": object{"tcp": cam, "pictures": "both", "utc_offset": "+08:00"}},
				{"id": id + "-barrier", "role": "barrier", "kind": "modbus-barrier", "settings": barrier},
				{"id": id + "-display", "role": "display", "kind": "fangkong", "settings": object{"serial": filepath.Join(r.path("lines"), id+"-display"), "baud": 9600, "rows": 4, "columns": 8}},
			},
		}
	}
	booth := func(id, zh, en string, voter bool) object {
		return object{"id": id, "name": text(zh, en), "raft": r.addr[id+"-raft"], "peer": r.addr[id+"-peer"], "voter": voter}
	}
	now := time.Now()
	free := func(plate string) object {
		return object{"plate": plate, "from": now.AddDate(0, -1, 0), "to": now.AddDate(1, 0, 0), "why": "月卡 month card"}
	}
	demo := DemoTariff("演示费率", "Demonstration", 100)
	if r.options.NoFree {
		delete(demo["plans"].([]object)[0], "free") //nolint:forcetypeassert // made just above
	}
	return object{
		"id": Lot, "kind": "off_street", "name": text("滨江停车场", "Riverside"), "tz": "Asia/Shanghai", "currency": "CNY", "capacity": 120,
		"booths": []object{booth(EntryBooth, "入口岗亭", "Entry booth", true), booth(ExitBooth, "出口岗亭", "Exit booth", false)},
		"lanes": []object{
			lane("entry-1", "一号入口", "Entry 1", "entry", EntryBooth, r.addr["cam-entry"], r.addr["board-entry"]),
			lane("exit-1", "一号出口", "Exit 1", "exit", ExitBooth, r.addr["cam-exit"], ""),
		},
		"tariffs": []object{demo},
		"rules":   []object{{"tariff": "demo", "version": 1}},
		"free":    []object{free("粤B8L66Q"), free("粤BD12345")},
		"policy":  object{"no_entry": "hold", "journal_x": "hold"},
	}
}

func (r *Rig) seed(ctx context.Context) error {
	a, err := r.SignIn(ctx, Admin)
	if err != nil {
		return err
	}
	if err := a.Call(ctx, http.MethodPost, "/api/v1/lots", r.spec(), nil); err != nil || !r.options.Library {
		return err
	}
	return r.library(ctx, a)
}

func (r *Rig) enrol(ctx context.Context) error {
	a, err := r.SignIn(ctx, Admin)
	if err != nil {
		return err
	}
	hash, err := output(ctx, Code+"\n", r.bin("lotkeeper-edge"), "operator", Cashier)
	if err != nil {
		return err
	}
	var config object // as a person would paste it
	if err := yaml.Unmarshal(hash, &config); err != nil {
		return fmt.Errorf("lotkeeper-edge operator says %q: %w", hash, err)
	}
	for _, b := range []string{EntryBooth, ExitBooth} {
		if err := r.enrolOne(ctx, a, Lot, b); err != nil {
			return err
		}
		if _, err := r.write(b+".yaml", object{
			"data": r.path(b), "listen": object{"console": r.addr[b]}, "console": config["console"],
		}); err != nil {
			return err
		}
	}
	return nil
}

// enrolOne makes a booth of a lot; its data folder is named as the booth.
func (r *Rig) enrolOne(ctx context.Context, a *API, lot, booth string) error {
	var code struct {
		Code string `json:"code"`
	}
	if err := a.Call(ctx, http.MethodPost, "/api/v1/lots/"+lot+"/booths/"+booth+"/codes", object{}, &code); err != nil {
		return err
	}
	_, err := output(ctx, "", r.bin("lotkeeper-edge"), "enroll", "--cloud", r.CloudURL, "--code", code.Code, "--data", r.path(booth))
	return err
}

func (r *Rig) startBooths(ctx context.Context) error {
	for _, b := range []string{EntryBooth, ExitBooth} {
		p, err := r.run(b, r.bin("lotkeeper-edge"), "run", "--config", r.path(b+".yaml"))
		if err != nil {
			return err
		}
		if err := p.ready(ctx, r.health(b)); err != nil {
			return err
		}
	}
	return nil
}

// Pages lists what a person may open.
func (r *Rig) Pages() string {
	var b strings.Builder
	row := func(what, url, who string) { fmt.Fprintf(&b, "  %-28s %-44s %s\n", what, url, who) }
	row("管理后台 admin", r.CloudURL+"/admin/", Admin+" / "+Password)
	row("云坐席 cloud seat", r.CloudURL+"/seat/", Seat+" / "+Password)
	row("车主缴费 driver's phone", r.CloudURL+"/pay?lot="+Lot, "no sign-in")
	row("出口扫码 exit lane's code", r.CloudURL+"/pay?lot="+Lot+"&lane=exit-1", "no sign-in")
	row("入口岗亭 entry booth", r.BoothURL[EntryBooth]+"/", Cashier+" / "+Code)
	row("出口岗亭 exit booth", r.BoothURL[ExitBooth]+"/", Cashier+" / "+Code)
	row("API 文档 API docs", r.CloudURL+"/api/docs", "")
	row("模拟器 simulator", r.SimURL+"/state", "")
	return b.String()
}
