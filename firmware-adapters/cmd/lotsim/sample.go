package main

// sample is a configuration to start from; a test parses it.
const sample = `# lotsim: a lot's hardware and traffic
seed: 20260101
http: 127.0.0.1:8930        # control API
lines: /tmp/lotsim          # serial lines get fixed names here: <lane>-display, <lane>-board

lanes:
  - {name: in, dir: entry, camera: "127.0.0.1:8131", board: "127.0.0.1:5021", booth: "http://127.0.0.1:8101"}
  - {name: out, dir: exit, camera: "127.0.0.1:8132", board: serial, booth: "http://127.0.0.1:8102"}

# Paying by phone: the owner's page of the cloud and the payment provider's double. Without cloud nobody does.
lot: demo
cloud: http://127.0.0.1:8080
fakepay: http://127.0.0.1:8090

# Cash: an operator of the booths. Without a name nobody takes cash.
cashier: {name: cashier, code: "000000"}

traffic:
  speed: 1                  # divides the times between arrivals and the stays
  every: 6s                 # mean time between arrivals
  stay_min: 15s
  stay_max: 90s
  long_stays: 6             # cars inside for hours, told by the entry cameras' memory
  free_for: 20s             # stays up to this are free by the lot's tariff
  regulars: 8
  permits: [粤B8L66Q, 粤BD12345]
  patience: 3s              # at the exit, before paying
  give_up: 45s
  most_inside: 60
  mischief: {misread: 6, reverse: 4, unlicensed: 3, tailgate: 3, cash: 35}   # per cent
`
