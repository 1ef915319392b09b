// The Alertmanager that tests build: `make alertmanager`. Only its version stands here; it is built in a copy of its
// own module, beside which its web interface is missing.
module sre-agent.test/alertmanager

go 1.26

require github.com/prometheus/alertmanager v0.35.0
