import { $, h, fill, initial, trouble, usd, count } from 'app'
import { served, local, Cancelled } from 'engine'
import { Lane, day, moment, percent, tenths } from 'lanes'
import { csv, examples, traced, drawn, rescaled, part, split, joined, zones } from 'curve'
import { Pad } from 'pad'
import { Why } from 'why'

const given = initial()
const engine = given.served ? served('/api/answer') : local($('wasm').textContent, $('wasm-exec').textContent)

// view is the time that all charts show, and at the moment that is looked at, in seconds.
const view = { from: 0, to: day, seconds: day, at: 0, most: 220 }
// game is what is played: a curve that is drawn, a built-in trace, or a file.
const game = { source: 'drawn:day', curve: null, course: null, name: 'drawn.csv', text: '', days: 30, tasks: 200, zone: -1, world: 'uses-warning', warm: 0, seed: 0 }
let chosen = given.defaults[0]
const lanes = new Map()
const took = new Map()

const pad = new Pad(view, padChanged, begins, (t) => { stop(); move(t) })
const why = new Why(view, async (policy, choice, at) => (await engine.ask({ ...question(), kind: 'explain', policy, choice, at })).answer)

function question() {
  const q = { trace: game.name, tasks: game.tasks, world: game.world, warm_up_seconds: game.warm, seed: game.seed }
  if (game.curve) return { ...q, csv: csv(game.curve, game.tasks) }
  return game.text ? { ...q, csv: game.text } : { ...q, days: game.days }
}

// ---- playing it through ----

let round = 0
let busy = false
let dirty = false
let slow = 0 // milliseconds that the last round took

// replay plays everything again. While a round is under way the next one waits, unless it must give way.
async function replay(now) {
  if (busy && !now) { dirty = true; return }
  if (busy) engine.cancel()
  const mine = ++round
  busy = true
  dirty = false
  const begun = performance.now()
  const q = question()
  why.forget()
  for (const l of lanes.values()) l.el.classList.add('late')
  $('live').textContent = 'Playing'
  try {
    const course = (await engine.ask({ ...q, kind: 'trace' })).answer
    if (mine !== round) return
    showCourse(course)
    await Promise.all([...lanes.keys()].map(async (policy) => {
      const a = await engine.ask({ ...q, kind: 'run', policy })
      if (mine !== round || !lanes.has(policy)) return
      took.set(policy, a.took)
      lanes.get(policy).show(a.answer)
      if (policy === chosen) showWhy(!playing)
    }))
    if (mine !== round) return
    trouble('')
    $('live').textContent = ''
    showSums()
    if (mine === 1) step(1) // the first that anybody sees is a decision
    document.body.dataset.round = mine
  } catch (e) {
    if (e instanceof Cancelled || mine !== round) return
    trouble((e.message.startsWith(game.name) ? e.message : e.message[0].toUpperCase() + e.message.slice(1)) + '.')
    $('live').textContent = 'Not played'
    for (const l of lanes.values()) l.run = null
    showWhy(false)
  }
  busy = false
  slow = performance.now() - begun
  if (dirty) replay()
}

function showCourse(course) {
  game.course = course
  const whole = course.seconds
  if (whole !== view.seconds) { view.from = 0; view.to = whole; view.at = Math.min(view.at, whole) }
  view.seconds = whole
  view.most = Math.ceil(1.3 * Math.max(4, course.tasks))
  $('scrub').max = Math.round(whole)
  $('scrub').step = Math.max(1, Math.round(whole / 1440)) // for the arrow keys: a minute of a day
  if (!game.curve) pad.show(course, null, course.tasks)
  move(view.at)
}

function showCurve() {
  const c = game.curve
  if (c.seconds !== view.seconds) { view.from = 0; view.to = c.seconds }
  view.seconds = c.seconds
  view.most = Math.ceil(1.3 * Math.max(4, game.tasks))
  const { curve, tasks } = part(c, game.zone, game.tasks)
  pad.show(drawn(curve, tasks), curve, tasks)
}

// setZone draws the room of all zones together, or of one of them.
function setZone(value) {
  game.zone = Number(value)
  const were = game.curve.zones
  if (game.zone >= 0 && !were) game.curve = split(game.curve, game.tasks)
  if (game.zone < 0 && were) game.curve = joined(game.curve, game.tasks)
  showCurve()
  if (!were !== game.zone < 0) replay(true)
}

// padChanged: something was drawn. Short runs follow the pointer, long ones wait until it rests.
function padChanged(over) {
  game.name = 'drawn.csv'
  if (game.source !== 'drawn:own') setSource('drawn:own')
  showCurve()
  if (over || slow < 700) replay(over)
}

// begins turns what is shown into something to draw on.
function begins() {
  if (!game.course) return false
  game.zone = -1
  game.curve = traced(game.course, game.course.seconds, game.course.tasks)
  game.tasks = game.course.tasks
  $('tasks').value = game.tasks
  game.text = ''
  setSource('drawn:own')
  showCurve()
  return true
}

// ---- the time ----

let playing = 0
function move(t, resting = true) {
  view.at = Math.min(view.seconds, Math.max(0, t))
  if (view.at < view.from || view.at > view.to) { // the view follows
    const half = (view.to - view.from) / 2
    zoom(view.at - half, view.at + half)
  }
  $('scrub').value = Math.round(view.at)
  const text = moment(view.at, view.seconds)
  $('scrub').setAttribute('aria-valuetext', text)
  $('clock').textContent = text
  pad.cursor.move(view.at)
  for (const l of lanes.values()) l.cursor.move(view.at)
  showWhy(resting)
}

const lane = () => lanes.get(chosen)
function showWhy(resting) { if (lane()) why.show(lane(), view.at, resting && !playing) }

function choose(policy, at) {
  chosen = policy
  for (const [name, l] of lanes) l.choose(name === policy)
  stop()
  move(at === undefined ? view.at : at)
  for (const tr of $('sums').querySelectorAll('tbody tr')) tr.classList.toggle('chosen', tr.dataset.policy === chosen)
}

function stop() {
  if (!playing) return
  cancelAnimationFrame(playing)
  ended()
  showWhy(true)
}

function ended() {
  playing = 0
  $('play').textContent = 'Play'
  $('why').setAttribute('aria-live', 'polite')
}

function play() {
  if (playing) { stop(); return }
  if (view.at >= view.to) move(view.from)
  let last = performance.now()
  const frame = (now) => {
    const t = view.at + (now - last) / 1000 * (view.to - view.from) / Number($('speed').value)
    last = now
    if (t >= view.to) { ended(); move(view.to); return }
    move(t, false)
    playing = requestAnimationFrame(frame)
  }
  $('play').textContent = 'Pause'
  $('why').setAttribute('aria-live', 'off')
  playing = requestAnimationFrame(frame)
}

function zoom(from, to) {
  const length = Math.min(view.seconds, Math.max(120, to - from))
  view.from = Math.min(view.seconds - length, Math.max(0, (from + to - length) / 2))
  view.to = view.from + length
  if (game.curve) showCurve(); else if (game.course) pad.show(game.course, null, game.course.tasks)
  for (const l of lanes.values()) l.draw()
  $('zoom-out').disabled = length >= view.seconds
}
const zoomBy = (f) => { const half = (view.to - view.from) * f / 2; zoom(view.at - half, view.at + half) }

// step goes to the decision before or after.
function step(by) {
  if (!lane().run) return
  const c = lane().run.choices
  let k = lane().choice(view.at)
  if (by > 0) k++
  else if (k >= 0 && c[k].at >= view.at - 0.001) k--
  stop()
  if (c[k]) move(c[k].at)
}

// ---- side by side ----

function showSums() {
  const rows = [...lanes.values()].filter((l) => l.run)
  const head = ['Policy', 'Task-minutes missing', 'Cost', 'Of on-demand alone', 'On-demand share', 'Longest gap', 'Changes of counts']
  const c = game.course
  fill($('sums'), h('thead', null, h('tr', null, head.map((t, i) => h('th', { scope: 'col', class: i ? 'n' : '' }, t)))),
    h('tbody', null, rows.map(({ run: r, policy: p }) => h('tr', { 'data-policy': p.name, class: p.name === chosen ? 'chosen' : '' }, h('th', { scope: 'row' }, p.title, h('small', null, p.doc)),
      h('td', { class: 'n' + (r.missing_task_minutes > 0.05 ? ' bad' : '') }, tenths(r.missing_task_minutes)),
      [usd(r.cost_usd), percent(r.cost_ratio), percent(r.on_demand_share), r.longest_gap_seconds ? gap(r.longest_gap_seconds) : 'none', count(r.service_updates)].map((t) => h('td', { class: 'n' }, t)))),
    h('tr', null, h('th', { scope: 'row' }, 'Perfect foresight', h('small', null, 'The least that nothing missing can cost, with the future known')),
      ['0', usd(c.oracle_usd), percent(c.oracle_usd / c.all_on_demand_usd), percent(1 - c.oracle_spot_share), 'none', ''].map((t) => h('td', { class: 'n' }, t)))))
  const first = lane() && lane().run
  if (first) $('verdict').textContent = `${lane().policy.title} costs ${usd(first.cost_usd)}, ${percent(first.cost_ratio)} of on-demand alone, and leaves ${tenths(first.missing_task_minutes)} of ${count(Math.round(wanted(first)))} task-minutes missing.`
  document.body.dataset.took = JSON.stringify(Object.fromEntries(took))
  $('took').textContent = `Played ${whole(view.seconds)} of up to ${count(c.tasks)} tasks ${given.served ? 'by the process that serves this page' : 'in this browser'}: ` + [...took].filter(([p]) => lanes.has(p)).map(([p, ms]) => `${p} ${(ms / 1000).toFixed(2)} s`).join(', ') + '.'
  $('notes').textContent = game.curve ? '' : [...c.notes, c.zones > 1 ? `the ${c.zones} zones are shown as one` : ''].filter(Boolean).join('; ')
  const command = ['backstop simulate', game.curve || game.text ? `--trace ${game.name.replace(/[^\w.-]/g, '_')}` : `--trace ${game.name} --days ${game.days}`, `--tasks ${game.tasks}`, game.seed ? `--seed ${game.seed}` : '',
    game.world === 'uses-warning' ? '' : `--world ${game.world}`, game.warm ? `--warm-up ${game.warm}s,${given.slowest * game.warm}s` : '', `--policy ${[...lanes.keys()].join()}`]
  $('command').textContent = command.filter(Boolean).join(' ')
}
const wanted = (r) => r.times.reduce((sum, t, i) => sum + r.demand[i] * ((i + 1 < r.times.length ? r.times[i + 1] : view.seconds) - t) / 60, 0)
const whole = (s) => s >= day ? `${+(s / day).toFixed(1)} day${s === day ? '' : 's'}` : `${+(s / 3600).toFixed(1)} hours`
const gap = (s) => s < 90 ? `${Math.round(s)} s` : s < 5400 ? `${Math.round(s / 60)} min` : `${(s / 3600).toFixed(1)} h`

// ---- what is played ----

function setSource(value) {
  game.source = value
  for (const kind of ['drawn:own', 'file:']) $('source').querySelector(`[value="${kind}"]`).hidden = value !== kind
  $('source').value = value
  $('zone').hidden = !value.startsWith('drawn:')
  $('zone').value = game.zone
  $('days').hidden = !value.startsWith('trace:')
  $('hint').textContent = value.startsWith('drawn:') ? 'Draw with the mouse, a finger or the arrow keys.' : 'Draw on it to play a copy of your own.'
}

function start(value) {
  const [kind, name] = value.split(':')
  if (value === 'drawn:own') { setSource(value); return }
  stop()
  game.text = ''
  game.curve = null
  if (kind === 'drawn') {
    game.zone = -1
    game.curve = examples[name][1](game.tasks)
    game.name = 'drawn.csv'
    showCurve()
  } else game.name = name
  setSource(value)
  replay(true)
}

async function openFile(file) {
  if (!file) return
  if (file.size > given.csv_max) { trouble(`${file.name} has more than ${given.csv_max >> 20} MB.`); return }
  stop()
  game.text = await file.text()
  game.name = file.name
  game.curve = null
  if (!game.text.trim()) { trouble(`${file.name} is empty.`); return }
  const option = $('source').querySelector('[value="file:"]')
  option.textContent = file.name
  setSource('file:')
  replay(true)
}

function save() {
  const text = game.curve ? csv(game.curve, game.tasks) : game.text || 'seconds,spot,demand\n' + game.course.times.map((t, i) => `${t},${game.course.capacity[i] < 0 ? 'inf' : game.course.capacity[i]},${game.course.demand[i]}`).join('\n') + '\n'
  const a = h('a', { href: URL.createObjectURL(new Blob([text], { type: 'text/csv' })), download: game.curve ? 'drawn.csv' : game.name.replace(/(\.csv)?$/, '.csv') })
  a.click()
  URL.revokeObjectURL(a.href)
}

function setPolicies(names) {
  for (const [name, l] of lanes) if (!names.includes(name)) { l.el.remove(); lanes.delete(name) }
  for (const p of given.policies) {
    if (!names.includes(p.name)) continue
    if (!lanes.has(p.name)) lanes.set(p.name, new Lane($('lanes'), p, view, choose, zoom))
    $('lanes').append(lanes.get(p.name).el)
  }
  if (!lanes.has(chosen)) chosen = lanes.keys().next().value
  for (const [name, l] of lanes) l.choose(name === chosen)
}

function begin() {
  const option = (value, text, attrs) => h('option', { value, ...attrs }, text)
  $('source').append(h('optgroup', { label: 'Drawn' }, Object.entries(examples).map(([k, [text]]) => option('drawn:' + k, text)), option('drawn:own', 'Your own', { hidden: true })),
    h('optgroup', { label: 'Built-in traces' }, given.traces.map((t) => option('trace:' + t.name, t.title))), option('file:', 'a file', { hidden: true }))
  $('days').append(option(1, '1 day'), option(7, '7 days'), option(30, '30 days', { selected: true }))
  $('zone').append(option(-1, 'all zones together'), ...zones.map((z, k) => option(k, 'zone ' + z)))
  $('policies').append(...given.policies.map((p) => h('label', null, h('input', { type: 'checkbox', value: p.name, checked: given.defaults.includes(p.name) }), p.title, h('small', null, p.doc))))
  $('tasks').value = game.tasks
  $('source').addEventListener('change', () => start($('source').value))
  $('zone').addEventListener('change', () => setZone($('zone').value))
  $('days').addEventListener('change', () => { game.days = Number($('days').value); replay(true) })
  $('open').addEventListener('click', () => $('file').click())
  $('file').addEventListener('change', () => openFile($('file').files[0]))
  $('save').addEventListener('click', save)
  $('tasks').addEventListener('change', () => {
    const n = Math.round(Number($('tasks').value))
    if (!(n >= 1 && n <= 5000)) { trouble('Tasks wanted must be 1 to 5000.'); return }
    if (game.curve) game.curve = rescaled(game.curve, game.tasks, n)
    game.tasks = n
    if (game.curve) showCurve()
    replay(true)
  })
  for (const [id, key] of [['world', 'world'], ['warm', 'warm'], ['seed', 'seed']]) {
    $(id).addEventListener('change', () => { game[key] = key === 'world' ? $(id).value : Math.max(0, Math.round(Number($(id).value) || 0)); replay(true) })
  }
  $('policies').addEventListener('change', () => {
    const names = [...$('policies').querySelectorAll('input:checked')].map((e) => e.value)
    if (!names.length) { trouble('Choose one policy at least.'); return }
    setPolicies(names)
    replay(true)
  })
  $('play').addEventListener('click', play)
  $('scrub').addEventListener('input', () => { stop(); move(Number($('scrub').value)) })
  $('earlier').addEventListener('click', () => step(-1))
  $('later').addEventListener('click', () => step(1))
  $('zoom-in').addEventListener('click', () => zoomBy(0.4))
  $('zoom-out').addEventListener('click', () => zoomBy(2.5))
  document.addEventListener('dragover', (e) => { e.preventDefault(); document.body.classList.add('drop') })
  document.addEventListener('dragleave', () => document.body.classList.remove('drop'))
  document.addEventListener('drop', (e) => { e.preventDefault(); document.body.classList.remove('drop'); openFile(e.dataTransfer.files[0]) })
  setPolicies(given.defaults)
  view.at = 9.5 * 3600 // where most of Spot is taken
  start(game.source)
}
begin()
