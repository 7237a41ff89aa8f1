// Who answers the page's questions: the decision core as WebAssembly in workers, or the process that serves the page.

export class Cancelled extends Error { cancelled = true }

// answered reads an answer and says how long it took, in milliseconds.
function answered(text, took) {
  const begun = performance.now()
  const answer = JSON.parse(text)
  if (answer.error) throw new Error(answer.error)
  return { answer, took: took + performance.now() - begun }
}

export function served(path) {
  let running = new Set()
  return {
    async ask(question) {
      const stop = new AbortController()
      running.add(stop)
      const begun = performance.now()
      try {
        const r = await fetch(path, { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(question), signal: stop.signal })
        return answered(await r.text(), performance.now() - begun)
      } catch (e) {
        if (stop.signal.aborted) throw new Cancelled()
        throw e instanceof TypeError ? new Error('no answer from backstop play; is it still running?') : e
      } finally { running.delete(stop) }
    },
    cancel() { for (const s of running) s.abort(); running = new Set() },
  }
}

// The worker: Go's own glue, then one question after the other. What is thrown here is an unhandled rejection, which the page would not hear of; a core
// that has ended, by a panic or for want of memory, answers nothing.
const worker = `
onmessage = async ({ data }) => {
  try {
    if (data.module) {
      const go = new Go()
      go.run(await WebAssembly.instantiate(data.module, go.importObject))
      postMessage({ ready: true })
      return
    }
    const begun = performance.now()
    const text = backstop(data.question)
    if (typeof text !== 'string') throw new Error()
    postMessage({ text, took: performance.now() - begun })
  } catch (e) { postMessage({ error: e.message }) }
}`

async function unpacked(base64) {
  const bytes = Uint8Array.from(atob(base64), (c) => c.charCodeAt(0))
  const stream = new Blob([bytes]).stream().pipeThrough(new DecompressionStream('gzip'))
  return WebAssembly.compile(await new Response(stream).arrayBuffer())
}

export function local(base64, glue) {
  const module = unpacked(base64)
  const source = URL.createObjectURL(new Blob([glue, worker], { type: 'text/javascript' }))
  const most = Math.min(4, Math.max(1, (navigator.hardwareConcurrency || 2) - 1))
  const workers = []
  let waiting = []
  const drop = (w) => { w.terminate(); workers.splice(workers.indexOf(w), 1) }

  function start() {
    const w = new Worker(source)
    w.job = 'start'
    w.onmessage = ({ data }) => {
      if ('error' in data) { lost(data.error); return }
      const job = w.job
      w.job = null
      if (!data.ready) { try { job.done(answered(data.text, data.took)) } catch (e) { job.fail(e) } }
      next()
    }
    const lost = (why) => { // a question too large for its memory
      const job = w.job
      drop(w)
      if (job && job.fail) job.fail(new Error('the run ended early: ' + (why || 'out of memory')))
      else for (const j of waiting.splice(0)) j.fail(new Error('the model cannot be started: ' + (why || 'no WebAssembly')))
      next()
    }
    w.onerror = (e) => lost(e.message)
    module.then((m) => w.postMessage({ module: m }), (e) => lost(e.message))
    workers.push(w)
  }

  function next() {
    for (const w of workers) {
      if (w.job || !waiting.length) continue
      w.job = waiting.shift()
      w.postMessage({ question: w.job.question })
    }
    if (waiting.length && workers.length < most && !workers.some((w) => w.job === 'start')) start()
  }
  start()
  return {
    ask: (question) => new Promise((done, fail) => { waiting.push({ question: JSON.stringify(question), done, fail }); next() }),
    // cancel gives up what was asked; a run under way is ended with its worker.
    cancel() {
      for (const j of waiting.splice(0)) j.fail(new Cancelled())
      for (const w of [...workers]) if (w.job && w.job !== 'start') { const job = w.job; drop(w); job.fail(new Cancelled()) }
      next()
    },
  }
}
