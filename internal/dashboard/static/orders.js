// The orders that change what is wanted, each behind a dialog that says what it would lead to.
import { $, h, fill, get } from './app.js'

const kinds = {
  failover: ['Fail over', 'Cover the workload with on-demand, then let Spot go: none stays there until you restore it.', true],
  restore: ['Restore', 'Let Spot prove itself now and ramp up, whatever the breaker waits for.', false],
  pin: ['Pin', 'Keep the workload on one kind of capacity, whatever the policy would decide.', true],
  unpin: ['Unpin', 'Decide by the policy again.', false],
  pause: ['Pause', 'Go on deciding and recording, but change nothing.', true],
  resume: ['Resume', 'Act again.', false],
  confirm: ['Confirm', 'What a critical notice asks about is meant: a fall of the demand, or a service that is gone.', false],
}

export class Orders {
  constructor(base, name, facts, done) {
    Object.assign(this, { base, name, facts, done, kind: '', session: { can_act: false } })
    $('dialog-cancel').addEventListener('click', () => $('dialog').close())
    $('dialog-form').addEventListener('submit', (e) => { e.preventDefault(); this.send() })
    for (const e of [...document.querySelectorAll('[name=mode]'), $('pool')]) e.addEventListener('change', () => this.preview())
  }

  async begin() {
    try { this.session = await get('/api/session') } catch { return }
    this.draw()
  }

  draw() {
    const f = this.facts()
    const s = this.session
    if (!f) return
    $('orders-why').textContent = s.can_act ? '' : (s.why || '').replace(/^./, (c) => c.toUpperCase()) + (s.why ? '.' : '')
    // Only what makes sense now; the one that the next step names stands out.
    const asked = /^backstop (\w+)/.exec((f.problems[0] || {}).command)
    const able = s.can_act ? f.orders.filter((o) => !o.refused) : []
    fill($('orders'), able.map((o) => h('button', { type: 'button', 'data-kind': o.kind, class: asked && asked[1] === o.kind ? 'act' : undefined }, kinds[o.kind][0] + '…')))
    for (const b of $('orders').children) b.onclick = () => this.open(b.dataset.kind)
  }

  open(kind) {
    this.kind = kind
    const [verb, about, lasts] = kinds[kind]
    $('dialog-h').textContent = `${verb} ${this.name}?`
    $('dialog-about').textContent = about
    $('dialog-do').textContent = verb
    $('dialog-do').disabled = false
    $('dialog-error').hidden = true
    $('field-mode').hidden = kind !== 'pin'
    $('field-for').hidden = !lasts
    $('reason').required = lasts
    $('reason').value = ''
    $('reason-need').textContent = lasts ? '(needed, for those who read the journal)' : '(if you like)'
    const spot = this.facts().pools.filter((p) => p.capacity === 'FARGATE_SPOT').map((p) => p.pool)
    $('field-pool').hidden = (kind !== 'failover' && kind !== 'restore') || spot.length < 2
    $('pool').replaceChildren(h('option', { value: '' }, 'all Spot pools'), ...spot.map((p) => h('option', { value: p }, p)))
    try { $('by').value = localStorage.getItem('by') || '' } catch { /* storage is off */ }
    fill($('dialog-preview'), h('p', null, 'Working out what it would lead to …'))
    $('dialog').showModal()
    $('reason').focus()
    this.preview()
  }

  order() {
    const o = { kind: this.kind, reason: $('reason').value.trim(), by: $('by').value.trim() }
    if (this.kind === 'pin') o.mode = document.querySelector('[name=mode]:checked').value
    if (!$('field-pool').hidden && $('pool').value) o.pool = $('pool').value
    if (!$('field-for').hidden) o.for_seconds = Number($('for').value)
    return o
  }

  async preview() {
    const o = this.order()
    const q = new URLSearchParams({ kind: o.kind, ...(o.mode && { mode: o.mode }), ...(o.pool && { pool: o.pool }) })
    let p
    try { p = await get(`${this.base}/preview?${q}`) } catch (e) { fill($('dialog-preview'), h('p', null, 'What it would lead to is not known: ' + e.message)); return }
    if (o.kind !== this.kind) return
    const runs = p.runs ? [h('p', null, p.runs + '.')] : []
    if (p.refused) fill($('dialog-preview'), h('p', null, p.refused))
    else if (!p.known) fill($('dialog-preview'), h('p', null, 'What the next pass would do is not known: the last look was not kept in full.'), ...runs)
    else fill($('dialog-preview'), h('p', null, 'If all is as it was last seen, the next pass will:'), h('ul', null, p.expected.length ? p.expected.map((t) => h('li', null, t)) : h('li', null, 'change no count')), ...runs)
  }

  async send() {
    const o = this.order()
    const verb = $('dialog-do').textContent
    $('dialog-do').disabled = true
    $('dialog-do').textContent = 'Recording …' // it waits for a pass that is under way
    $('dialog-error').hidden = true
    try {
      const r = await fetch(this.base + '/orders', { method: 'POST', headers: { 'Content-Type': 'application/json' }, body: JSON.stringify(o) })
      const body = await r.json().catch(() => ({ error: 'HTTP ' + r.status }))
      if (!r.ok) throw new Error(body.error)
      try { localStorage.setItem('by', o.by) } catch { /* storage is off */ }
      $('dialog').close()
      $('said').textContent = `Recorded. ${body.text}. The next pass acts on it.`
      this.done()
    } catch (e) {
      $('dialog-error').textContent = 'Not done: ' + e.message
      $('dialog-error').hidden = false
      $('dialog-do').disabled = false
    }
    $('dialog-do').textContent = verb
  }
}
