// member.js: one member of a consumer group on kafkajs; prints and obeys as member.c does, "leave" alone.
//
//     node member.js NODE_MODULES BOOTSTRAP GROUP TOPIC SESSION-MS HEARTBEAT-MS MAX-POLL-MS
//
// kafkajs has one assignor, which goes by a name of its own. Here it is offered as "roundrobin", so that others may be in the group: what a
// member says of itself and what the leader hands out have the same form in every client. The generation is not to be had: -1.
'use strict'
const fs = require('fs')
const [modules, bootstrap, groupId, topic, session, heartbeat, maxPoll] = process.argv.slice(2)
const { Kafka, PartitionAssigners, logLevel } = require(`${modules}/kafkajs`)

const say = (...words) =>
  fs.writeSync(1, `${(performance.timeOrigin + performance.now()).toFixed(3)} ${words.join(' ')}\n`)
let owned = []
let leaving = false
const drop = what => {
  say(what, -1, owned.join(',') || '-')
  owned = []
}

// Of an eviction kafkajs tells its log alone.
const logCreator = () => ({ log }) => {
  if (log.message.includes('not aware of this member')) drop('lost')
  else process.stderr.write(`${log.message} ${log.error || ''}\n`)
}

const kafka = new Kafka({
  clientId: 'kafkajs',
  brokers: bootstrap.split(','),
  logLevel: logLevel.WARN,
  logCreator,
  retry: { initialRetryTime: 50, maxRetryTime: 500, retries: 100 }
})
const consumer = kafka.consumer({
  groupId,
  sessionTimeout: Number(session),
  rebalanceTimeout: Number(maxPoll),
  heartbeatInterval: Number(heartbeat),
  maxWaitTimeInMs: 100,
  partitionAssigners: [options => Object.assign(PartitionAssigners.roundRobin(options), { name: 'roundrobin' })]
})
consumer.on(consumer.events.REBALANCING, () => drop('revoked'))
consumer.on(consumer.events.GROUP_JOIN, ({ payload }) => {
  owned = payload.memberAssignment[topic] || []
  say('assigned', -1, owned.join(',') || '-')
})
consumer.on(consumer.events.CRASH, ({ payload }) => say('note', payload.error))

async function eachBatch({ batch, resolveOffset, heartbeat: beat, isRunning }) {
  if (leaving || !isRunning()) return
  say('read', batch.partition, batch.firstOffset(), batch.lastOffset())
  resolveOffset(batch.lastOffset())
  await beat()
}

// There is no event before it leaves the group: from here on it reads nothing.
async function leave() {
  if (leaving) return
  leaving = true
  drop('revoked')
  await consumer.disconnect()
  say('left')
  process.exit(0)
}

async function main() {
  await consumer.connect()
  await consumer.subscribe({ topics: [topic], fromBeginning: true })
  say('started')
  await consumer.run({ eachBatch, autoCommitInterval: 300, eachBatchAutoResolve: false })
}

let typed = ''
process.stdin.on('data', data => {
  const lines = (typed + data).split('\n')
  typed = lines.pop()
  if (lines.includes('leave')) leave()
})
process.stdin.on('end', leave)
main()
