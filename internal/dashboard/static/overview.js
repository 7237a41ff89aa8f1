import { $, h, fill, level, levels, meter, guard, step, range, modeWords, clock, span, usd, count, initial, setNow, now, get, watch } from './app.js'

const all = new Map()

function take(o) {
  for (const f of o.workloads) all.set(f.workload, f)
  draw()
}

function facts(f) {
  const out = [modeWords[f.mode]]
  if (f.pin) out.push('pinned to ' + (f.pin.mode === 'spot' ? 'Spot' : 'on-demand'))
  if (f.pause) out.push('paused')
  if (f.observing) out.push('observing only')
  for (const b of f.breakers) out.push(`breaker of ${b.pool} ${b.mode.replace('_', '-')}`)
  return out.join(', ')
}

function row(f) {
  const counts = f.known
    ? `${count(f.demand)} wanted: ${range(f.spot_in_service)} in service on Spot, ${range(f.on_demand_in_service)} on on-demand` +
      [f.leaving_text, f.arriving_text, f.missing.high && range(f.missing) + ' missing'].filter(Boolean).map((t) => ', ' + t).join('')
    : 'no counts yet'
  return h('li', { class: 'workload ' + f.level, 'data-workload': f.workload },
    level(f),
    h('div', { class: 'title' }, h('h2', null, h('a', { href: '/workloads/' + encodeURIComponent(f.workload) }, f.workload)), h('p', null, f.headline)),
    h('div', null, meter(f), h('p', { class: 'counts' }, counts)),
    h('p', { class: 'facts' }, f.known ? `${facts(f)}; Spot health ${f.spot_health} of 100` : ''),
    f.problems.filter((p) => p.kind !== 'silent' && p.kind !== 'unknown').slice(0, 1).map(step).filter(Boolean).map((e) => h('p', { class: 'last' }, e)),
    f.known ? h('p', { class: 'last' }, `${f.silent || !f.counts_known ? 'As of ' : ''}${clock(f.decided_at, now())}: ${f.words}`) : null)
}

function draw() {
  const text = $('filter-text').value.toLowerCase()
  const list = [...all.values()].sort((a, b) => levels.indexOf(a.level) - levels.indexOf(b.level) ||
    b.missing.high / Math.max(1, b.demand) - a.missing.high / Math.max(1, a.demand) || (a.workload < b.workload ? -1 : 1))
  $('filter').hidden = list.length < 8
  const shown = list.filter((f) => f.workload.toLowerCase().includes(text))
  fill($('workloads'), shown.map(row))
  const sum = (of) => list.filter((f) => f.known).reduce((n, f) => n + of(f), 0)
  const unsure = list.filter((f) => f.known && !f.counts_known).length
  const need = list.filter((f) => f.level === 'critical' || f.level === 'warning').length
  const sums = need ? `${list.length - need} fine, ${need} ${need === 1 ? 'needs' : 'need'} you` : 'all fine'
  fill($('summary'), h('strong', null, `${list.length} ${list.length === 1 ? 'workload' : 'workloads'}`), `: ${sums}. `,
    h('strong', null, `${count(sum((f) => f.demand) - sum((f) => f.missing.low))} of ${count(sum((f) => f.demand))}`), ` wanted tasks serve, ${count(sum((f) => f.spot_in_service.low))} of them on Spot. `,
    unsure ? `${unsure === 1 ? '1 workload could' : unsure + ' workloads could'} not be read in full: these are lower bounds. ` : '', saved)
}

let saved = ''
async function savings() {
  try {
    const s = await get('/api/savings')
    saved = s.known ? `Saved about ${usd(s.today_usd)} today and ${usd(s.month_usd)} this month (${s.note}).` : ''
    draw()
  } catch { /* the live line says what is wrong */ }
}

const first = initial()
if (first) { setNow(first.now); take(first); guard(first.guard) }
$('filter-text').addEventListener('input', draw)
watch(take)
savings()
setInterval(savings, 60000)
