// Prints for each request whether policies allow it, as @cloud-copilot/iam-simulate computes it.
//
//   node simulate.cjs DIR <requests >answers
//
// DIR contains the packages of package-lock.json. Requests and answers are JSON lists with one answer for each request.
'use strict'
const { readFileSync } = require('node:fs')
const { createRequire } = require('node:module')
const { join } = require('node:path')
const { runSimulation } = createRequire(join(process.argv[2], 'package.json'))('@cloud-copilot/iam-simulate')

async function answer(request) {
  const got = await runSimulation({
    request: {
      principal: request.principal,
      action: request.action,
      resource: { resource: request.resource, accountId: request.account },
      contextVariables: request.context,
    },
    identityPolicies: request.policies,
    resourcePolicy: request.trust,
    serviceControlPolicies: [],
    resourceControlPolicies: [],
  }, {})
  if (got.resultType === 'error') {
    return { error: JSON.stringify(got.errors) }
  }
  // Like AWS, the simulator ignores condition keys that the action does not have.
  const ignored = (got.results ?? [got.result]).flatMap(r => r.ignoredContextKeys ?? [])
  return { allowed: got.overallResult === 'Allowed', ignored }
}

Promise.all(JSON.parse(readFileSync(0, 'utf8')).map(answer)).then(
  answers => process.stdout.write(JSON.stringify(answers)),
  error => {
    console.error(error)
    process.exitCode = 1
  },
)
