// The inbox in the browser: shows what Python rendered, moves the selection, collects numbered actions.
// An action stays in the list that is sent until Python acknowledges its number, so no press is lost.
const inboxes = new WeakMap()

export default function (component) {
  const root = component.parentElement
  if (!inboxes.has(root)) inboxes.set(root, start(root))
  return inboxes.get(root)(component)
}

function start(root) {
  const $ = (selector) => root.querySelector(selector)
  const box = $(".inbox"), list = $(".rows"), find = $("input"), toast = $(".toast"), noting = $(".noting"), muting = $(".muting"), sheet = $("textarea")
  const tray = crypto.getRandomValues(new Uint32Array(3)).join("-")
  let component, data = { rows: [], details: {} }, turn = 0
  let pending = [], number = 0, asked = {}, at = null, mode = "", rest, fading
  const gone = new Map(), restored = new Map(), known = new Map(), done = []  // done: what Z takes back
  const later = []  // keys pressed while the answer to a filter is still under way: they mean its alerts

  const visible = () => {
    const rows = data.rows.map((r) => r.id).filter((id) => !gone.has(id))
    for (const [id, was] of restored) if (!rows.includes(id)) rows.splice(was.index, 0, id)
    return rows
  }

  function receive(next) {
    component = next
    data = next.data
    if ((data.asked.turn ?? 0) >= (asked.turn ?? 0)) {
      asked = data.asked
      if (!find.matches(":focus")) find.value = asked.words ?? ""
    }
    for (const row of data.rows) known.set(row.id, row.html)
    const taken = data.taken[tray] ?? 0
    pending = pending.filter((action) => action.n > taken)
    for (const map of [gone, restored]) for (const [id, was] of map) if (was.n <= taken) map.delete(id)
    const refused = (data.refused[tray] ?? []).filter((r) => !done.refused?.has(r.n))
    for (const r of refused) { (done.refused ??= new Set()).add(r.n); say(r.message, false) }
    const linked = new URLSearchParams(location.search).get("alert")
    if (linked && linked !== done.linked) { at = linked; box.dataset.screen = "alert" }
    else if (done.turn !== undefined && data.asked.turn !== done.turn && !visible().includes(at)) at = null
    done.linked = linked
    done.turn = data.asked.turn
    if (!at || (at !== linked && !visible().includes(at) && !data.details[at])) at = visible()[0] ?? null
    paint()
    if (!waiting()) for (const run of later.splice(0)) run()
    const mine = ++turn
    listen()
    return () => { if (mine === turn) unlisten() }  // a superseded call must not silence its successor
  }

  function paint() {
    const rows = visible()
    html($(".head"), data.head)
    html($(".foot"), data.foot)
    html($(".queues"), data.queues)
    html($(".empty"), data.empty)
    $(".empty").hidden = rows.length > 0
    $(".new").hidden = !data.news
    html($(".new"), data.news)
    $("[data-view=snoozed] span").textContent = data.snoozed || ""
    for (const b of root.querySelectorAll(".views [data-view]")) b.setAttribute("aria-pressed", [b.dataset.view, b.dataset.also].includes(asked.view))
    const kept = new Map([...list.children].map((li) => [li.dataset.id, li]))
    rows.forEach((id, n) => {
      const li = kept.get(id) ?? Object.assign(document.createElement("li"), { role: "option" })
      kept.delete(id)
      li.dataset.id = id
      html(li, known.get(id))
      if (list.children[n] !== li) list.insertBefore(li, list.children[n] ?? null)
    })
    for (const li of kept.values()) li.remove()
    select()
  }

  function html(node, text = "") {
    if (node.shown !== text) { node.innerHTML = text; node.shown = text }
  }

  function select() {
    for (const li of list.children) li.setAttribute("aria-selected", li.dataset.id === at)
    const detail = data.details[at], pane = $(".detail")
    if (pane.of !== at) pane.scrollTop = 0
    if (pane.of !== at) { note(false); mute(false) }
    pane.of = at
    html(pane, at ? detail ?? '<p class="wait">Reading …</p>' : data.calm)
    $(".verdicts").classList.toggle("off", !takes())
    address()
  }

  // whether the selected alert takes a verdict: one of the queue, or a linked one that is not dealt with
  function takes() { return at && ((!closed() && visible().includes(at)) || ["open", "snoozed", "suppressed"].includes($("article")?.dataset.state)) && $("article")?.dataset.state !== "erased" }

  function closed() { return ["today", "closed"].includes(asked.view) }

  // the address follows the selection without a step in the history; on a phone only while the alert is on the screen
  function address() {
    const url = new URL(location), shown = box.dataset.screen === "alert" || matchMedia("(min-width: 721px)").matches
    if (at && shown) url.searchParams.set("alert", at)
    else url.searchParams.delete("alert")
    if (asked.view && asked.view !== "free") url.searchParams.set("state", asked.view)
    else url.searchParams.delete("state")
    if (url.href !== location.href) history.replaceState(history.state, "", url)
    done.linked = url.searchParams.get("alert")
  }

  function waiting() { return (asked.turn ?? 0) > (data.asked?.turn ?? 0) }

  function go(id) {
    if (id == null) return
    at = id
    select()
    list.querySelector(`[data-id="${CSS.escape(id)}"]`)?.scrollIntoView({ block: "nearest" })
    clearTimeout(rest)
    rest = setTimeout(() => component.setStateValue("at", at), data.details[at] ? 250 : 0)
  }

  function step(by) {
    const rows = visible(), n = rows.indexOf(at)
    go(rows[Math.min(rows.length - 1, Math.max(0, n < 0 ? 0 : n + by))])
  }

  function act(action) {
    pending.push({ n: ++number, ...action })
    component.setStateValue("actions", { tray, list: pending })
    return number
  }

  function leave(action, text) {
    const rows = visible(), index = rows.indexOf(at), id = at
    if (!id) return
    if (!takes()) return say(`This alert is ${$("article")?.dataset.state ?? "not there"}: it takes no verdict`, false)
    const n = act({ ...action, alert: id })
    gone.set(id, { n })
    restored.delete(id)
    done.push({ n, id, index: Math.max(index, 0) })
    const name = list.querySelector(`[data-id="${CSS.escape(id)}"] b`)?.textContent
    at = rows[index + 1] ?? rows[index - 1] ?? null
    if (index < 0) at = rows[0] ?? null
    paint()
    if (at) go(at); else screen("queue")
    say(name ? `${text}, ${name}` : text, true)
  }

  function undo() {
    const last = done.pop()
    if (!last) return say("Nothing to undo", false)
    const n = act({ do: "undo", of: last.n, alert: last.id })
    if (last.stays) return say("Taken back", false)  // it never left the queue
    gone.delete(last.id)
    if (known.has(last.id)) restored.set(last.id, { n, index: last.index })
    at = last.id
    paint()
    go(at)
    say("Taken back", false)
  }

  function say(text, undoable) {
    toast.querySelector("span").textContent = text
    toast.querySelector("[data-do=undo]").hidden = toast.querySelector("i").hidden = !undoable
    toast.querySelector(".spans").hidden = true
    toast.hidden = true
    void toast.offsetWidth  // restarts the shrinking line
    toast.hidden = false
    clearTimeout(fading)
    fading = setTimeout(() => { toast.hidden = true }, 8000)
  }

  function ask(change) {
    asked = { ...asked, ...change, turn: (asked.turn ?? 0) + 1 }
    component.setStateValue("asked", asked)
  }

  function screen(name) { box.dataset.screen = name; address() }

  // what is not kept yet is a draft of its alert, and survives closing the form, leaving the alert and a reload
  const draft = (id) => `monitor.draft.${id}`

  function note(open) {
    if (noting.hidden === !open) return
    noting.hidden = !open
    if (!open) return list.focus()
    mute(false)
    toast.hidden = true
    noting.of = at
    sheet.value = sessionStorage.getItem(draft(at)) ?? ""
    sheet.focus()
  }

  function drafted() {
    if (sheet.value.trim()) sessionStorage.setItem(draft(noting.of), sheet.value)
    else sessionStorage.removeItem(draft(noting.of))
  }

  function keep() {
    const words = sheet.value.trim()
    if (words) { act({ do: "note", alert: noting.of, text: words }); say("Note kept", false) }
    sheet.value = ""
    drafted()
    note(false)
  }

  function put() {
    note(false)
    if (sheet.value.trim()) say("Not kept yet: N opens the draft again", false)
  }

  function mute(open) {
    if (muting.hidden === !open) return
    muting.hidden = !open
    if (!open) return list.focus()
    note(false)
    toast.hidden = true
    const { entity, monitor } = $("article").dataset, [one, all] = muting.querySelectorAll("[name=whole]")
    muting.of = at
    muting.reset()
    muting.querySelector(".entity").textContent = entity
    muting.querySelector(".monitor").textContent = monitor
    one.closest("label").hidden = !entity
    ;(entity ? one : all).checked = true
    muting.reason.focus()
  }

  function hush() {
    const { whole, span, reason } = Object.fromEntries(new FormData(muting))
    const n = act({ do: "mute", alert: muting.of, choice: +span, whole: !!whole, text: reason })
    done.push({ n, id: muting.of, stays: true })
    mute(false)
    say(`Muted ${whole ? "all of " + $("article").dataset.monitor : $("article").dataset.entity}`, true)
  }

  function apply() {
    clearTimeout(find.rest)
    if (find.value !== (asked.words ?? "")) ask({ words: find.value })
  }

  const does = {
    undo, bring: () => ask({}), help: () => ($(".help").open ? $(".help").close() : $(".help").showModal()),
    note: () => $("article") && note(true), mute: () => $("article") && mute(true), unmuting: () => mute(false), back: () => screen("queue"), more: () => { $(".more").textContent = box.classList.toggle("all") ? "Less" : "More" },
    snooze: () => { if (at) { mode = "snooze"; say("Snooze for", false); toast.querySelector(".spans").hidden = false } },
    claim: () => { if (at) { act({ do: $("article")?.dataset.mine ? "release" : "claim", alert: at }) } },
    reopen: () => { act({ do: "reopen", alert: at }); say("Taken back: its verdict and what training would have learnt from it", false) },
    clear: () => { find.value = ""; apply() }, show: () => { at = null; screen("queue"); go(visible()[0]); paint() },
  }
  const keys = { j: () => step(1), k: () => step(-1), arrowdown: () => step(1), arrowup: () => step(-1), z: undo,
    s: does.snooze, n: does.note, m: does.mute, t: does.claim, b: does.bring, "?": does.help, "/": () => find.focus() }
  const aside = (choice) => { mode = ""; leave({ do: "snooze", choice }, "Snoozed") }
  const verdict = (button) => leave({ do: "verdict", verdict: button.dataset.verdict }, `Marked ${button.innerText.replace(/^\d\s*/, "").trim()}`)

  function key(event) {
    if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing || $(".help").open) return
    const target = event.composedPath()[0]
    if (target.closest?.("input, textarea, select, [contenteditable]")) return
    const pressed = event.key.toLowerCase()
    let run = keys[pressed]
    if (/^[1-8]$/.test(pressed)) {
      if (mode !== "snooze") run = () => verdict($(`[data-key="${pressed}"]`))
      else if (pressed <= 4) run = () => aside(+pressed)
    }
    if (pressed !== "s") mode = ""
    if (!run) return
    event.preventDefault()
    event.stopPropagation()
    if (!waiting() || pressed === "/") run()
    else if (!later.includes(does.note) && !later.includes(does.mute)) later.push(run)  // what follows an N or M is text
  }

  root.addEventListener("click", (event) => {
    const hit = event.target.closest("[data-do], [data-verdict], [data-id], [data-view], [data-queue], [data-snooze]")
    if (!hit) return
    const { verdict: v, id, view, queue, snooze } = hit.dataset
    if (v) verdict(hit)
    else if (snooze) aside(+snooze)
    else if (id) { go(id); screen("alert") }
    else if (view) ask({ view })
    else if (queue !== undefined) ask({ queue: queue || null })
    else if (hit.dataset.mute) { act({ do: "unmute", alert: at, choice: +hit.dataset.mute }); say("The mute is over: what comes now is shown again", false) }
    else does[hit.dataset.do]?.()
  })
  root.addEventListener("mouseover", (event) => {
    const button = event.target.closest("[data-verdict]")
    if (button) $(".meaning").textContent = `${button.dataset.key} in the next training: ${button.title}`
  })
  find.addEventListener("input", () => { clearTimeout(find.rest); find.rest = setTimeout(apply, 250) })
  find.addEventListener("keydown", (event) => {
    if (event.isComposing || (event.key !== "Escape" && event.key !== "Enter")) return
    event.preventDefault()
    if (event.key === "Escape") does.clear()
    else apply()
    list.focus()
  })
  sheet.addEventListener("input", drafted)
  noting.addEventListener("submit", (event) => { event.preventDefault(); keep() })
  noting.addEventListener("keydown", (event) => {
    if (event.key === "Escape") put()
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) keep()
  })
  muting.addEventListener("submit", (event) => { event.preventDefault(); hush() })
  muting.addEventListener("keydown", (event) => { if (event.key === "Escape") mute(false) })
  const fit = () => { box.style.height = `${Math.max(360, innerHeight - box.getBoundingClientRect().top - scrollY - 8)}px` }
  const warn = (event) => { if (pending.length) event.preventDefault() }
  function listen() {
    document.addEventListener("keydown", key, true)
    addEventListener("resize", fit)
    addEventListener("beforeunload", warn)
    requestAnimationFrame(fit)
  }
  function unlisten() {
    document.removeEventListener("keydown", key, true)
    removeEventListener("resize", fit)
    removeEventListener("beforeunload", warn)
  }
  $(".meaning").textContent = `1 in the next training: ${$("[data-key='1']").title}`
  return receive
}
