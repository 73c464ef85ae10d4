import { parentPort, workerData } from 'node:worker_threads'
import { all, create } from 'mathjs'

const math = create(all, { number: 'number', predictable: false })
const { evaluate, format } = math

// What an expression could use to change the calculator, read code or reach what lies behind it. Source: mathjs, "Security".
const refuse = name => () => {
  throw new Error(`${name} is not available here`)
}
math.import(Object.fromEntries(['import', 'config', 'createUnit', 'evaluate', 'parse', 'compile', 'parser', 'simplify', 'derivative', 'resolve', 'rationalize', 'reviver', 'replacer', 'help', 'chain'].map(name => [name, refuse(name)])), { override: true })

// Loading took a while on a busy machine; the calculation's own time begins now.
parentPort.postMessage({ ready: true })
try {
  parentPort.postMessage({ result: format(evaluate(workerData), { precision: 14, lowerExp: -9, upperExp: 15 }) })
} catch (error) {
  parentPort.postMessage({ failure: error instanceof Error ? error.message : 'It cannot be calculated' })
}
