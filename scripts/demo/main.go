// Command demo runs a whole parking lot on this machine: real programs, real wires, simulated hardware.
//
// It starts the cloud, two booths in a raft group and the simulator, prints where to look, and runs until Ctrl-C.
//
//	demo               on well-known ports where they are free
//	demo COMMAND ARG…  on an address of its own, for as long as the command runs, which finds in the file named by
//	                   LOTKEEPER_URLS what DEMO_URLS has; ends with the command's exit code
//
//	DEMO_FOR=60s   stop by itself after this long, compare both sides' disks, print one line of JSON
//	DEMO_CUT=20s   cut the lot's uplink in the middle for this long (with DEMO_FOR)
//	DEMO_DIR=…     where its data goes (.cache/demo); it is emptied at the start; see reachable for root
//	DEMO_OUT=…     where the line of JSON goes as well (.cache/demo.json)
//	DEMO_URLS=…    where addresses and sign-ins go as JSON, as soon as everything runs
package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"os"
	"os/exec"
	"os/signal"
	"path/filepath"
	"syscall"
	"time"

	"lotkeeper/deploy/rig"
)

func main() {
	ctx, stop := signal.NotifyContext(context.Background(), os.Interrupt, syscall.SIGTERM)
	err := run(ctx, os.Args[1:])
	stop()
	if err != nil {
		fmt.Fprintln(os.Stderr, "demo:", err)
		os.Exit(code(err))
	}
}

// code is the exit code of the command that was run, or 1.
func code(err error) int {
	var ended *exec.ExitError
	if errors.As(err, &ended) && ended.ExitCode() > 0 {
		return ended.ExitCode()
	}
	return 1
}

type settings struct {
	dir, out, urls string
	runFor, cut    time.Duration
}

func read() (settings, error) {
	s := settings{dir: ".cache/demo", out: ".cache/demo.json"}
	for name, to := range map[string]*string{"DEMO_DIR": &s.dir, "DEMO_OUT": &s.out, "DEMO_URLS": &s.urls} {
		if v := os.Getenv(name); v != "" {
			*to = v
		}
	}
	var faults []error
	for name, to := range map[string]*time.Duration{"DEMO_FOR": &s.runFor, "DEMO_CUT": &s.cut} {
		v := os.Getenv(name)
		if v == "" {
			continue
		}
		d, err := time.ParseDuration(v)
		if err != nil || d <= 0 {
			faults = append(faults, fmt.Errorf("%s=%s is not a time such as 60s", name, v))
		}
		*to = d
	}
	if s.cut > 0 && s.cut >= s.runFor {
		faults = append(faults, errors.New("DEMO_CUT needs a longer DEMO_FOR"))
	}
	return s, errors.Join(faults...)
}

func run(ctx context.Context, command []string) error {
	s, err := read()
	if err != nil {
		return err
	}
	if s.dir, err = filepath.Abs(s.dir); err != nil {
		return err
	}
	if s.dir, err = reachable(s.dir, os.Geteuid() == 0, spare); err != nil {
		return err
	}
	free, err := hold(s.dir)
	if err != nil {
		return err
	}
	defer free()
	if err := os.RemoveAll(s.dir); err != nil {
		return fmt.Errorf("empty %s: %w", s.dir, err)
	}
	bin, err := gather(s)
	if err != nil {
		return err
	}
	fmt.Println("Starting a parking lot on this machine …")
	began := time.Now()
	r, err := rig.Start(ctx, rig.Options{
		Dir: s.dir, Bin: bin, Say: os.Stdout, Fixed: len(command) == 0, Seed: 20261122, Library: true,
		Traffic: map[string]any{
			"speed": 1, "every": "5s", "stay_min": "8s", "stay_max": "45s", "long_stays": 6, "free_for": "15s", "regulars": 8,
			"permits": []string{"粤B8L66Q", "粤BD12345"}, "patience": "2s", "give_up": "40s", "most_inside": 60,
			"mischief": map[string]int{"misread": 6, "reverse": 4, "unlicensed": 3, "tailgate": 3, "cash": 35},
		},
	})
	if err != nil {
		return err
	}
	defer r.Stop()
	fmt.Printf("\nIt runs. Logs and data are in %s\n\n%s\n", s.dir, r.Pages())
	if len(command) > 0 && s.urls == "" {
		s.urls = filepath.Join(s.dir, "urls.json")
	}
	if s.urls != "" {
		if err := tell(r, s.urls); err != nil {
			return err
		}
	}
	if len(command) > 0 {
		return accompany(ctx, r, s.urls, command)
	}
	if s.runFor == 0 {
		fmt.Println("Ctrl-C stops it.")
		defer fmt.Println("\nStopping …")
		return watch(ctx, r)
	}
	line, err := measure(ctx, r, s, began)
	if err != nil {
		return err
	}
	return report(line, s.out)
}

// gather puts the programs, which are built in two places, into one folder of links.
func gather(s settings) (string, error) {
	bin, err := filepath.Abs(s.dir + "-bin") // of this run alone: others may start or end meanwhile
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(bin, 0o755); err != nil {
		return "", fmt.Errorf("make %s: %w", bin, err)
	}
	for name, from := range map[string]string{"lotkeeper-cloud": "bin", "lotkeeper-edge": "bin", "lotsim": "bin", "fakepay": ".cache/bin"} {
		file, err := filepath.Abs(filepath.Join(from, name))
		if err != nil {
			return "", err
		}
		if _, err := os.Stat(file); err != nil {
			return "", fmt.Errorf("%s is not built: run make demo", name)
		}
		link := filepath.Join(bin, name)
		if err := os.Remove(link); err != nil && !errors.Is(err, os.ErrNotExist) {
			return "", fmt.Errorf("link %s: %w", name, err)
		}
		if err := os.Symlink(file, link); err != nil {
			return "", fmt.Errorf("link %s: %w", name, err)
		}
	}
	return bin, nil
}

// accompany runs a command against the lot and returns its end, or that a program died under it.
func accompany(ctx context.Context, r *rig.Rig, urls string, argv []string) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	cmd := exec.CommandContext(ctx, argv[0], argv[1:]...)
	cmd.Env = append(os.Environ(), "LOTKEEPER_URLS="+urls)
	cmd.Stdout, cmd.Stderr = os.Stdout, os.Stderr
	cmd.Cancel = func() error { return cmd.Process.Signal(syscall.SIGTERM) }
	cmd.WaitDelay = 20 * time.Second
	died := make(chan error, 1)
	go func() {
		defer cancel()
		died <- watch(ctx, r)
	}()
	err := cmd.Run()
	cancel()
	if who := <-died; who != nil {
		return who
	}
	if err != nil {
		return fmt.Errorf("%s: %w", argv[0], err)
	}
	return nil
}

// watch waits until somebody ends the demonstration or a program of it dies.
func watch(ctx context.Context, r *rig.Rig) error {
	tick := time.NewTicker(time.Second)
	defer tick.Stop()
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-tick.C:
			if who := r.Died(); who != "" {
				return errors.New(who)
			}
		}
	}
}

// figures is the demonstration's last line.
type figures struct {
	Entries       int   `json:"entries"`
	Exits         int   `json:"exits"`
	Billed        int64 `json:"billed_minor"`
	Paid          int64 `json:"paid_minor"`
	Free          int64 `json:"free_minor"`
	Debt          int64 `json:"debt_minor"`
	Equal         bool  `json:"edge_cloud_equal"`
	WronglyOpened int   `json:"wrongly_opened"`
	Facts         int   `json:"facts"`
	Seconds       int   `json:"seconds"`
	inCut         int
}

// measure lets the lot run, cuts its uplink in the middle when asked, drains it and compares both sides' disks.
func measure(ctx context.Context, r *rig.Rig, s settings, began time.Time) (figures, error) {
	var f figures
	fmt.Printf("Running for %s …\n", s.runFor)
	if err := rest(ctx, r, (s.runFor-s.cut)/2); err != nil {
		return f, err
	}
	if s.cut > 0 {
		n, err := cut(ctx, r, s.cut)
		if err != nil {
			return f, err
		}
		f.inCut = n
	}
	if err := rest(ctx, r, (s.runFor-s.cut)/2); err != nil {
		return f, err
	}
	fmt.Println("Draining: no more cars come, those at the lanes finish …")
	if err := drain(ctx, r); err != nil {
		return f, err
	}
	var sim struct {
		WronglyOpened int              `json:"wrongly_opened"`
		Wrong         []map[string]any `json:"wrong"`
	}
	if err := r.SimCall(ctx, http.MethodGet, "/report", nil, &sim); err != nil {
		return f, err
	}
	for _, w := range sim.Wrong {
		fmt.Printf("  wrongly opened: %v\n", w)
	}
	r.StopOne(rig.Sim)
	if _, err := r.Settle(ctx, 60*time.Second); err != nil {
		return f, fmt.Errorf("the cloud and the booths did not come to hold the same: %w", err)
	}
	r.StopOne(rig.EntryBooth)
	r.StopOne(rig.ExitBooth)
	fmt.Println("Comparing what is on the disks …")
	cloud, err := r.CloudDigest(ctx)
	if err != nil {
		return f, err
	}
	f.Equal = true
	for _, b := range []string{rig.EntryBooth, rig.ExitBooth} {
		d, err := r.BoothDigest(ctx, b)
		if err != nil {
			return f, err
		}
		f.Equal = f.Equal && d.Same(cloud)
	}
	f.Entries, f.Exits, f.Facts = cloud.Sums.Entries, cloud.Sums.Exits, cloud.Facts
	f.Billed, f.Paid, f.Free, f.Debt = cloud.Sums.Billed, cloud.Sums.Paid, cloud.Sums.Free, cloud.Sums.Debt
	f.WronglyOpened, f.Seconds = sim.WronglyOpened, int(time.Since(began).Seconds())
	if s.cut > 0 && f.inCut <= 0 {
		return f, errors.New("no facts arose during the cut")
	}
	return f, nil
}

func rest(ctx context.Context, r *rig.Rig, d time.Duration) error {
	ctx, cancel := context.WithTimeout(ctx, d)
	defer cancel()
	if err := watch(ctx, r); err != nil {
		return err
	}
	if errors.Is(context.Cause(ctx), context.Canceled) {
		return errors.New("stopped before the end")
	}
	return nil
}

// cut cuts the uplink and returns how many facts arose at the lot that the cloud did not have at its end.
func cut(ctx context.Context, r *rig.Rig, d time.Duration) (int, error) {
	fmt.Printf("Cutting the uplink for %s …\n", d)
	r.Cut(true)
	defer r.Cut(false)
	if err := rest(ctx, r, d); err != nil {
		return 0, err
	}
	booth, err := r.BoothDigest(ctx, rig.ExitBooth)
	if err != nil {
		return 0, err
	}
	cloud, err := r.CloudDigest(ctx)
	if err != nil {
		return 0, err
	}
	fmt.Printf("  the lot went on: %d facts the cloud does not have yet\n", booth.Facts-cloud.Facts)
	return booth.Facts - cloud.Facts, nil
}

// drain stops the traffic and waits until nobody stands at a lane.
func drain(ctx context.Context, r *rig.Rig) error {
	if err := r.SimCall(ctx, http.MethodPost, "/calm", map[string]any{"on": true}, nil); err != nil {
		return err
	}
	return rig.Until(ctx, 90*time.Second, func(ctx context.Context) error {
		var sim struct {
			Waiting int `json:"waiting"`
		}
		if err := r.SimCall(ctx, http.MethodGet, "/report", nil, &sim); err != nil {
			return err
		}
		if sim.Waiting > 0 {
			return fmt.Errorf("%d cars still stand at the lanes", sim.Waiting)
		}
		return nil
	})
}

// report prints the last line and says whether the demonstration showed what it is for.
func report(f figures, out string) error {
	line, err := json.Marshal(f)
	if err != nil {
		return fmt.Errorf("encode figures: %w", err)
	}
	if err := os.MkdirAll(filepath.Dir(out), 0o755); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	if err := os.WriteFile(out, append(line, '\n'), 0o644); err != nil {
		return fmt.Errorf("write figures: %w", err)
	}
	defer fmt.Println(string(line))
	var faults []error
	for what, ok := range map[string]bool{
		"no entries": f.Entries > 0, "no exits": f.Exits > 0, "nothing was paid": f.Paid > 0, "nothing was free": f.Free > 0,
		"billed is not paid + free + debt":      f.Billed == f.Paid+f.Free+f.Debt,
		"the cloud and the booths differ":       f.Equal,
		"a barrier opened that should not have": f.WronglyOpened == 0,
	} {
		if !ok {
			faults = append(faults, errors.New(what))
		}
	}
	return errors.Join(faults...)
}
