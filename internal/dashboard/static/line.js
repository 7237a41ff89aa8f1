// A small chart of the last hour in a row: what served on Spot and on on-demand, and what was missing. What is not known is a gap.

const ns = 'http://www.w3.org/2000/svg'
const wide = 120
const high = 20

export function line(past, from, to) {
  const begin = Date.parse(from) / 1000
  const whole = Date.parse(to) / 1000 - begin || 1
  const x = (t) => (wide * Math.min(1, Math.max(0, (t - begin) / whole))).toFixed(1)
  const totals = past.spot.map((n, i) => n === null ? 0 : n + past.on_demand[i])
  const most = Math.max(1, ...past.demand, ...totals)
  const y = (v) => (high - (high - 1) * v / most).toFixed(1)
  const svg = document.createElementNS(ns, 'svg')
  for (const [k, v] of Object.entries({ viewBox: `0 0 ${wide} ${high}`, class: 'line', 'aria-hidden': 'true', preserveAspectRatio: 'none' })) svg.setAttribute(k, v)
  const add = (cls, low, up) => {
    let d = ''
    for (let i = 0; i + 1 < past.times.length; i++) {
      if (past.spot[i] === null || up(i) <= low(i)) continue
      d += `M${x(past.times[i])} ${y(low(i))}V${y(up(i))}H${x(past.times[i + 1])}V${y(low(i))}z`
    }
    const path = document.createElementNS(ns, 'path')
    path.setAttribute('class', cls)
    path.setAttribute('d', d)
    svg.append(path)
  }
  add('l-spot', () => 0, (i) => past.spot[i])
  add('l-cover', (i) => past.spot[i], (i) => totals[i])
  add('l-working', (i) => totals[i], (i) => past.demand[i] - past.missing[i])
  add('l-missing', (i) => past.demand[i] - past.missing[i], (i) => past.demand[i])
  return svg
}
