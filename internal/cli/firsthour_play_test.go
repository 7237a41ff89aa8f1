package cli

import (
	"strings"
	"time"
)

// planted are the checks whose faults the set-up below has, all at once.
var planted = []string{"dead-letter-queue", "on-demand-quota", "stop-timeout", "circuit-breaker", "zones", "scaling-max", "scaling-standby", "twins-same", "last-pass"}

// play is the first hour: what docs/first-hour.md tells.
func (h *hour) play() {
	h.setUp()
	h.configure()
	h.examine()
	h.shortage()
	h.money()
}

func (h *hour) setUp() {
	h.say("%s", strings.TrimSpace(`
# The first hour

<!-- Written by go test ./internal/cli -run FirstHour -update, which does what it tells in a sandbox. -->

Three services that were made with the AWS CLI, with the mistakes that people make; then Backstop from `+"`init` to `cost`"+`. Everything
below was typed and answered by a test in the simulated AWS of `+"`backstop sandbox`"+`, whose clock begins on 2 November 2026 at 09:00.
On your account leave the sandbox out: the commands are the same.

## From a clone

`+"```sh\ngo build -o backstop ./cmd/backstop && export PATH=$PWD:$PATH    # in the clone; Go is all it takes\nmkdir first-hour && cd first-hour\n```"+`

## A sandbox, and three services in it
`))
	h.text.WriteString("\n```sh\nbackstop sandbox &\n" + strings.Join(environment("http://127.0.0.1:7070", "us-east-1"), "\n") + "\n```\n")
	h.shell(`
aws ecs create-cluster --cluster-name prod
aws ecs register-task-definition --family shop --cpu 1024 --memory 2048 --requires-compatibilities FARGATE --network-mode awsvpc \
  --container-definitions '[{"name": "app", "image": "shop:1"}]'
aws ecs register-task-definition --family shop --cpu 1024 --memory 2048 --requires-compatibilities FARGATE --network-mode awsvpc \
  --container-definitions '[{"name": "app", "image": "shop:2"}]'
aws ecs register-task-definition --family api --cpu 256 --memory 512 --requires-compatibilities FARGATE --network-mode awsvpc \
  --container-definitions '[{"name": "app", "image": "api:1", "stopTimeout": 120}]'

aws ecs create-service --cluster prod --service-name shop-spot --task-definition shop:2 --desired-count 20 \
  --capacity-provider-strategy capacityProvider=FARGATE_SPOT,weight=1 --enable-execute-command \
  --deployment-configuration '{"deploymentCircuitBreaker": {"enable": true, "rollback": true}}' \
  --network-configuration 'awsvpcConfiguration={subnets=[subnet-a],securityGroups=[sg-shop]}'
aws ecs create-service --cluster prod --service-name shop-standard --task-definition shop:1 --desired-count 0 \
  --capacity-provider-strategy capacityProvider=FARGATE,weight=1 \
  --network-configuration 'awsvpcConfiguration={subnets=[subnet-a],securityGroups=[sg-old]}'
aws ecs create-service --cluster prod --service-name api-spot --task-definition api:1 --desired-count 4 \
  --capacity-provider-strategy capacityProvider=FARGATE_SPOT,weight=1 \
  --network-configuration 'awsvpcConfiguration={subnets=[subnet-a,subnet-b],securityGroups=[sg-api]}'

scaling="aws application-autoscaling register-scalable-target --service-namespace ecs --scalable-dimension ecs:service:DesiredCount"
$scaling --resource-id service/prod/shop-spot --min-capacity 1 --max-capacity 10
$scaling --resource-id service/prod/shop-standard --min-capacity 2 --max-capacity 40
aws ecs update-service --cluster prod --service shop-spot --desired-count 20
aws ecs update-service --cluster prod --service shop-standard --desired-count 0
aws sqs send-message --queue-url http://127.0.0.1:7070/123456789012/backstop-events-dlq --message-body 'what is this?'`)
	h.say("The account is new, so its on-demand quota is 6 vCPU:")
	h.steer("quota", `{"provider": "FARGATE", "vcpu": 6}`)
	h.wait(10 * time.Minute)
}

func (h *hour) configure() {
	h.say("## A configuration")
	h.backstop(ExitDone, "init")
	h.say("`api-spot` has no twin. What makes one is a command, or with `--terraform` a resource:")
	twin := h.backstop(ExitDone, "init --twin api-spot --cluster prod")
	h.say("Run it (`backstop init --twin api-spot --cluster prod | sh`), and let `init` write again:")
	h.quietly(strings.TrimSpace(twin))
	h.wait(2 * time.Minute)
	h.backstop(ExitDone, "init --force")
	h.say("The file it wrote:")
	h.backstop(ExitDone, "init --output -")
	h.backstop(ExitDone, "config validate")
}

func (h *hour) examine() {
	h.say("## What would go wrong")
	answer := h.backstop(ExitUnhealthy, "doctor --problems")
	for _, name := range planted {
		if !strings.Contains(answer, name) {
			h.t.Errorf("the doctor does not find %s", name)
		}
	}
	h.say("Exit code 3. What is safe, as it stops no task and starts none, the doctor does itself; then there is less to do:")
	h.backstop(ExitUnhealthy, "doctor --problems --fix --yes shop")
	h.wait(3 * time.Minute)
	h.say("The rest is a matter of pasting, and of one new revision of the task definition:")
	h.shell(`
aws sqs purge-queue --queue-url http://127.0.0.1:7070/123456789012/backstop-events-dlq
aws application-autoscaling register-scalable-target --service-namespace ecs --scalable-dimension ecs:service:DesiredCount \
  --resource-id service/prod/shop-spot --max-capacity 60
aws application-autoscaling deregister-scalable-target --service-namespace ecs --scalable-dimension ecs:service:DesiredCount \
  --resource-id service/prod/shop-standard
aws ecs register-task-definition --family shop --cpu 1024 --memory 2048 --requires-compatibilities FARGATE --network-mode awsvpc \
  --container-definitions '[{"name": "app", "image": "shop:2", "stopTimeout": 120}]'
for service in shop-spot shop-standard; do
  aws ecs update-service --cluster prod --service $service --task-definition shop:3 \
    --deployment-configuration 'deploymentCircuitBreaker={enable=false,rollback=false}' --availability-zone-rebalancing DISABLED \
    --network-configuration 'awsvpcConfiguration={subnets=[subnet-a,subnet-b],securityGroups=[sg-shop]}'
done`)
	h.say("AWS raises the quota (on a real account it takes hours to days, which is why the doctor asks now):")
	h.steer("quota", `{"provider": "FARGATE", "vcpu": 100}`)
	h.wait(15 * time.Minute)
	h.say("## Guarded")
	h.say("`init` has written the preset `observe`, which changes nothing. Let it watch for some days and read `backstop history`; here it may act at once:")
	h.shell("sed -i.bak 's/preset: observe/preset: fill/' backstop.yaml")
	h.text.WriteString("\n```sh\nbackstop run &\n```\n")
	h.start()
	h.guard(2 * time.Minute)
	h.say("What is left is the truth: this task takes longer to start than Spot gives notice. `extra` or a smaller image helps.")
	h.backstop(ExitDone, "doctor --problems")
	h.backstop(ExitDone, "status shop")
	h.say("`run` serves the dashboard, too: open http://127.0.0.1:7077. What its first page says is there for scripts as well:")
	if got := h.workloads(); !strings.Contains(got, "shop: ok: All 20 in service on Spot") {
		h.t.Errorf("the dashboard says %s", got)
	}
}

func (h *hour) shortage() {
	h.say("## A shortage")
	h.say("AWS interrupts eight of the Spot tasks, and has no capacity for others:")
	h.steer("capacity", `{"provider": "FARGATE_SPOT", "tasks": 16}`)
	h.guard(4 * time.Minute)
	h.say("Four minutes later:")
	answer := h.backstop(ExitDone, "status")
	if !strings.Contains(answer, "on-demand  shop      20/20") {
		h.t.Error("the shortage is not covered")
	}
	h.say("The dashboard has it without being loaded anew:")
	if got := h.workloads(); !strings.Contains(got, "shop: covering: 7 on-demand tasks stand in for Spot, all 20 in service") {
		h.t.Errorf("the dashboard says %s", got)
	}
	h.say("![The page of the workload shop: what is wanted, what runs, what was decided](screenshots/first-hour.png)")
	h.picture("workloads/shop", "first-hour")
	h.say("Why, and what it does next:")
	h.backstop(ExitDone, "explain shop")
	h.say("What it did, step by step:")
	h.backstop(ExitDone, "history shop --kind outcome --limit 5")
	h.guard(40 * time.Minute)
	h.say("Forty minutes later Spot has room again, and after half an hour more:")
	h.steer("capacity", `{"provider": "FARGATE_SPOT", "tasks": null}`)
	h.guard(30 * time.Minute)
	answer = h.backstop(ExitDone, "status")
	if !strings.Contains(answer, "2 workloads fine") {
		h.t.Error("it is not back on Spot")
	}
}

func (h *hour) money() {
	h.say("## What it cost")
	answer := h.backstop(ExitDone, "cost --since 24h")
	if !strings.Contains(answer, "episode of cover") {
		h.t.Error("the episode is not in the cost")
	}
	h.say("%s", `The same with plots is a page: `+"`backstop cost --out cost.html`"+`. `+"`backstop top`"+` is the live view on the terminal. Every check is in [doctor.md](doctor.md), every figure's meaning in [cost.md](cost.md).`)
}
