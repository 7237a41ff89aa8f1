// Why a decision was made: the words of backstop explain, asked for when the time rests.

import { $, h, fill, count, coded } from 'app'
import { moment } from 'lanes'

const tasks = (n) => n === 1 ? '1 task' : count(n) + ' tasks'

export class Why {
  // ask explains a decision: it returns a promise of the explanation.
  constructor(view, ask) {
    this.view = view
    this.ask = ask
    this.known = new Map()
    this.timer = 0
    this.turn = 0
  }

  forget() { this.known.clear() }

  // show says what a lane did at a time. resting: nothing moves, so that the details may be asked for.
  show(lane, t, resting) {
    clearTimeout(this.timer)
    this.turn++
    const k = lane.choice(t)
    const choices = lane.run ? lane.run.choices : []
    $('earlier').disabled = k < 0 || (k === 0 && choices[0].at >= t)
    $('later').disabled = k + 1 >= choices.length
    $('place').textContent = !choices.length ? '' : k < 0 ? `before the first of ${count(choices.length)} decisions` : `decision ${count(k + 1)} of ${count(choices.length)}`
    if (!lane.run) { fill($('why'), h('p', null, $('live').textContent + '.')); return }
    const c = k < 0 ? null : choices[k]
    const key = lane.policy.name + ' ' + k
    const known = this.known.get(key)
    fill($('why'), this.head(lane, t), this.decision(lane, c, t), ...(known ? this.details(known) : [c && lane.policy.own ? h('p', { class: 'why', id: 'why-wait' }, 'What was seen and what comes next: when the time rests.') : null]))
    if (!c || !lane.policy.own || known || !resting) return
    const turn = this.turn
    this.timer = setTimeout(async () => {
      let text = null
      try { this.known.set(key, await this.ask(lane.policy.name, k, c.at)) } catch (e) { text = e.cancelled ? null : 'It cannot be explained: ' + e.message }
      if (turn !== this.turn) return
      if (text) fill($('why-wait'), text)
      else if (this.known.has(key)) this.show(lane, t, false)
    }, 120)
  }

  head(lane, t) {
    const n = lane.counts(t)
    return h('p', null, h('b', null, `${lane.policy.title}, ${moment(t, this.view.seconds)}: `), `${tasks(n.demand)} wanted, ${count(n.spot)} on Spot, ${count(n.onDemand)} on on-demand, `,
      h('span', { class: n.missing ? 'bad' : '' }, `${count(n.missing)} missing`), '.')
  }

  decision(lane, c, t) {
    const rule = lane.policy.own ? null : h('p', { class: 'why' }, 'Its rule: ' + lane.policy.doc + '.')
    if (!c) return [h('p', { class: 'said' }, lane.run.choices.length ? 'Nothing had to be changed yet.' : 'It changes nothing, whatever happens.'), rule]
    const when = c.at >= t - 1 ? '' : ` (last decision, ${moment(c.at, this.view.seconds)})`
    return [h('p', { class: 'said' }, c.text[0].toUpperCase() + c.text.slice(1) + '.', h('small', { class: 'why' }, when)), rule]
  }

  details(e) {
    const n = (v) => h('td', { class: 'n' }, typeof v === 'number' ? count(v) : v)
    return [
      h('p', null, e.reason_text, ' ', h('code', null, e.reason)),
      h('h3', null, 'Seen'), h('p', null, e.seen + '.'),
      h('table', null, h('thead', null, h('tr', null, h('th', { scope: 'col' }, 'Pool'), ['Desired', 'In service', 'Starting', 'Target'].map((t) => h('th', { scope: 'col', class: 'n' }, t)))),
        h('tbody', null, e.pools.map((p) => h('tr', null, h('th', { scope: 'row' }, p.pool, h('small', null, p.capacity === 'FARGATE_SPOT' ? 'Fargate Spot' : 'on-demand'), p.breaker !== 'closed' ? h('small', null, 'breaker ' + p.breaker.replace('_', '-')) : null),
          n(p.desired), n(p.in_service), n(p.warming + p.placed), n(p.target))))),
      e.pools.flatMap((p) => p.lines.map((l) => h('p', { class: 'why' }, `${p.pool}: ${l}`))),
      e.because.length ? [h('h3', null, 'Because'), h('ul', null, e.because.map((t) => h('li', null, t + '.')))] : null,
      e.next.length ? [h('h3', null, 'Next triggers'), h('ul', null, e.next.map((x) => h('li', null, x.at >= 0 ? `From ${moment(x.at, this.view.seconds)} on, when ` : 'When ', coded(x.if), h('b', null, ': '), coded(x.then), '.')))] : null,
    ].flat(2)
  }
}
