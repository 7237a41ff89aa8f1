// A program on AWS's JavaScript SDK, version 2: as python/main.py.
'use strict';
const AWS = require('aws-sdk');

const name = process.env.NAME;
const networkConfiguration = { awsvpcConfiguration: { subnets: ['subnet-a', 'subnet-b'] } };
const spot = [{ capacityProvider: 'FARGATE_SPOT', weight: 1 }];
const ecs = new AWS.ECS();
const sqs = new AWS.SQS();

const register = (family, container = {}, cpu = '256') => ecs.registerTaskDefinition({
  family, cpu, memory: '512', networkMode: 'awsvpc', requiresCompatibilities: ['FARGATE'],
  containerDefinitions: [{ name: 'app', image: 'app:1', essential: true, ...container }],
}).promise();

const run = async (taskDefinition) => {
  const answer = await ecs.runTask({ cluster: name, taskDefinition, capacityProviderStrategy: spot, networkConfiguration }).promise();
  return { cluster: name, tasks: [answer.tasks[0].taskArn] };
};

const refused = (call) => call.then(() => console.log('not refused'), (e) => console.log(`${e.code}: ${e.message}`));

async function main() {
  console.log('account', (await new AWS.STS().getCallerIdentity().promise()).Account);
  await ecs.createCluster({ clusterName: name, capacityProviders: ['FARGATE', 'FARGATE_SPOT'] }).promise();
  const cluster = async () => (await ecs.describeClusters({ clusters: [name] }).promise()).clusters[0].status;
  console.log('cluster', await cluster());

  await register(`${name}-app`);
  await register(`${name}-app`, { command: ['sh', '-c', 'sleep 900; exit 7'] });
  const pages = [];
  for (let nextToken; pages.length === 0 || nextToken;) {
    const page = await ecs.listTaskDefinitions({ familyPrefix: `${name}-app`, maxResults: 1, nextToken }).promise();
    if (page.taskDefinitionArns.length > 0) pages.push(page.taskDefinitionArns);
    nextToken = page.nextToken;
  }
  console.log(`task definitions ${pages.flat().length} in ${pages.length} pages`);

  const web = { cluster: name, services: ['web'] };
  const service = async () => (await ecs.describeServices(web).promise()).services[0];
  await ecs.createService({
    cluster: name, serviceName: 'web', taskDefinition: `${name}-app:1`, desiredCount: 2, capacityProviderStrategy: spot, networkConfiguration,
  }).promise();
  await ecs.waitFor('servicesStable', web).promise();
  const stable = await service();
  console.log(`service stable: ${stable.runningCount} of ${stable.desiredCount} tasks run, ${stable.deployments.length} deployment`);

  const task = async (job) => (await ecs.describeTasks(job).promise()).tasks[0];
  let job = await run(`${name}-app:2`);
  await ecs.waitFor('tasksRunning', job).promise();
  let t = await task(job);
  console.log('task', t.lastStatus, 'on', t.capacityProviderName);
  await ecs.waitFor('tasksStopped', job).promise();
  t = await task(job);
  console.log(`task ${t.lastStatus}: ${t.stopCode}, exit code ${t.containers[0].exitCode}`);

  await register(`${name}-broken`, { image: 'app:does-not-exist' });
  job = await run(`${name}-broken`);
  await ecs.waitFor('tasksStopped', job).promise();
  t = await task(job);
  console.log(`task of a missing image ${t.lastStatus}: ${t.stopCode}, ${t.stoppedReason.split(':')[0]}`);

  await refused(ecs.describeServices({ cluster: `${name}-nowhere`, services: ['web'] }).promise());
  await refused(ecs.updateService({ cluster: name, service: 'nowhere', desiredCount: 1 }).promise());
  await refused(register(`${name}-large`, {}, '300'));

  const { QueueUrl } = await sqs.createQueue({ QueueName: name }).promise();
  await sqs.sendMessage({ QueueUrl, MessageBody: 'hello <b> & c' }).promise();
  const [message] = (await sqs.receiveMessage({ QueueUrl, WaitTimeSeconds: 5 }).promise()).Messages;
  console.log('message', message.Body);
  await sqs.deleteMessage({ QueueUrl, ReceiptHandle: message.ReceiptHandle }).promise();

  await ecs.deleteService({ cluster: name, service: 'web', force: true }).promise();
  await ecs.waitFor('servicesInactive', web).promise();
  console.log('service', (await service()).status);
  await ecs.deleteCluster({ cluster: name }).promise();
  console.log('cluster', await cluster());
}

main().catch((e) => {
  console.error(e);
  process.exit(1);
});
