// A program on AWS's JavaScript SDK, version 3: as python/main.py.
import * as sdk from '@aws-sdk/client-ecs';
import { SQS } from '@aws-sdk/client-sqs';
import { STS } from '@aws-sdk/client-sts';

const name = process.env.NAME;
const networkConfiguration = { awsvpcConfiguration: { subnets: ['subnet-a', 'subnet-b'] } };
const spot = [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }];
const ecs = new sdk.ECS();
const sqs = new SQS();
const waiter = { client: ecs, maxWaitTime: 300 };

const register = (family, container = {}, cpu = '256') => ecs.registerTaskDefinition({
  family, cpu, memory: '512', networkMode: 'awsvpc', requiresCompatibilities: ['FARGATE'],
  containerDefinitions: [{ name: 'app', image: 'app:1', essential: true, ...container }],
});

const run = async (taskDefinition) => {
  const answer = await ecs.runTask({ cluster: name, taskDefinition, capacityProviderStrategy: spot, networkConfiguration });
  return { cluster: name, tasks: [answer.tasks[0].taskArn] };
};

const refused = (call) => call.then(() => console.log('not refused'), (e) => console.log(`${e.name}: ${e.message}`));

console.log('account', (await new STS().getCallerIdentity()).Account);
await ecs.createCluster({ clusterName: name, capacityProviders: ['FARGATE', 'FARGATE_SPOT'] });
const cluster = async () => (await ecs.describeClusters({ clusters: [name] })).clusters[0].status;
console.log('cluster', await cluster());

await register(`${name}-app`);
await register(`${name}-app`, { command: ['sh', '-c', 'sleep 900; exit 7'] });
const pages = [];
for await (const page of sdk.paginateListTaskDefinitions({ client: ecs, pageSize: 1 }, { familyPrefix: `${name}-app` })) {
  if (page.taskDefinitionArns.length > 0) pages.push(page.taskDefinitionArns);
}
console.log(`task definitions ${pages.flat().length} in ${pages.length} pages`);

const web = { cluster: name, services: ['web'] };
const service = async () => (await ecs.describeServices(web)).services[0];
await ecs.createService({
  cluster: name, serviceName: 'web', taskDefinition: `${name}-app:1`, desiredCount: 2, capacityProviderStrategy: spot, networkConfiguration,
});
await sdk.waitUntilServicesStable(waiter, web);
const stable = await service();
console.log(`service stable: ${stable.runningCount} of ${stable.desiredCount} tasks run, ${stable.deployments.length} deployment`);

const task = async (job) => (await ecs.describeTasks(job)).tasks[0];
let job = await run(`${name}-app:2`);
await sdk.waitUntilTasksRunning(waiter, job);
let t = await task(job);
console.log('task', t.lastStatus, 'on', t.capacityProviderName);
await sdk.waitUntilTasksStopped(waiter, job);
t = await task(job);
console.log(`task ${t.lastStatus}: ${t.stopCode}, exit code ${t.containers[0].exitCode}`);

await register(`${name}-broken`, { image: 'app:does-not-exist' });
job = await run(`${name}-broken`);
await sdk.waitUntilTasksStopped(waiter, job);
t = await task(job);
console.log(`task of a missing image ${t.lastStatus}: ${t.stopCode}, ${t.stoppedReason.split(':')[0]}`);

await refused(ecs.describeServices({ cluster: `${name}-nowhere`, services: ['web'] }));
await refused(ecs.updateService({ cluster: name, service: 'nowhere', desiredCount: 1 }));
await refused(register(`${name}-large`, {}, '300'));

const { QueueUrl } = await sqs.createQueue({ QueueName: name });
await sqs.sendMessage({ QueueUrl, MessageBody: 'hello <b> & c' });
const [message] = (await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 5 })).Messages;
console.log('message', message.Body);
await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message.ReceiptHandle });

await ecs.deleteService({ cluster: name, service: 'web', force: true });
await sdk.waitUntilServicesInactive(waiter, web);
console.log('service', (await service()).status);
await ecs.deleteCluster({ cluster: name });
console.log('cluster', await cluster());
