// The alert budget: shows for the slider's place what Python worked out; sends a budget, or an undo.
const panels = new WeakMap()
const KINDS = ["real", "false", "unseen", "new"]

export default function ({ parentElement, data, setTriggerValue }) {
  const box = parentElement.querySelector(".budget")
  if (!panels.has(box)) panels.set(box, panel(box))
  panels.get(box)(data, setTriggerValue)
}

function panel(box) {
  const $ = (selector) => box.querySelector(selector)
  const range = $("input"), plot = $(".plot")
  let data, send, at = 0

  const place = (budget) => Math.round(100 * Math.log10(budget))
  const nearest = (position) => data.levels.reduce((best, level, n) =>
    Math.abs(place(level.budget) - position) < Math.abs(place(data.levels[best].budget) - position) ? n : best, 0)
  const inForce = () => (data.now === null ? nearest(place(20)) : data.levels.findIndex((level) => level.budget === data.now))

  function receive(sent, trigger) {
    send = trigger
    if (data && JSON.stringify(data) === JSON.stringify(sent)) return
    const kept = data && data.now === sent.now ? data.levels[at].budget : null
    data = sent
    at = kept === null ? inForce() : nearest(place(kept))
    const ends = [data.levels[0], data.levels.at(-1)].map((level) => level.budget)
    range.min = place(ends[0])
    range.max = place(ends[1])
    box.querySelectorAll(".ends span").forEach((end, n) => { if (n !== 1) end.textContent = ends[n / 2] })
    $(".now").textContent = `now ${data.now ?? data.rule}`
    $(".title").textContent = `${data.title} (per day, ${data.zone})`
    $(".review").textContent = data.review
    $(".how").textContent = data.how
    $(".like").textContent = data.tried ? "Days like these" : "These days"
    $(".key.new").hidden = !data.tried
    $(".undo").hidden = !data.undo
    $(".undo span").textContent = data.undo ?? ""
    paint()
  }

  function paint() {
    const level = data.levels[at], budget = level.budget
    range.value = place(budget)
    const noun = budget === 1 ? "alert" : "alerts"
    range.setAttribute("aria-valuetext", `${budget} ${noun} a day`)
    $(".noun").textContent = noun
    $("output").textContent = budget
    box.querySelectorAll("dd").forEach((cell, n) => { cell.textContent = level.figures[n] })
    const button = $("[data-do=set]")
    button.textContent = `Set budget to ${budget} a day`
    button.disabled = budget === data.now
    $("[data-do=reset]").hidden = at === inForce()
    $(".capped").hidden = !level.capped
    draw(level)
  }

  function draw(level) {
    const totals = level.days.map((day) => day.reduce((a, b) => a + b, 0))
    const step = round(Math.max(level.budget, ...totals, 4) * 1.08 / 4), top = 4 * step
    const tall = (n) => `${100 * n / top}%`
    plot.replaceChildren(...[1, 2, 3, 4].map((n) => piece("div", "grid30", { bottom: tall(n * step) })), ...level.days.map((day, n) => {
      const bar = piece("div", "day", {})
      bar.title = `${data.days[n]}: ${day[0]} confirmed, ${day[1]} dismissed, ${day[2]} not reviewed${data.tried ? `, ${day[3]} new (estimated)` : ""}`
      bar.append(...day.flatMap((count, k) => (count ? [piece("i", KINDS[k], { height: tall(count) })] : [])))
      return bar
    }))
    const line = piece("div", "line", { bottom: tall(level.budget) })
    line.append(Object.assign(document.createElement("span"), { textContent: `budget ${level.budget}` }))
    plot.append(line)
    $("figure .y").replaceChildren(...[0, 1, 2, 3, 4].map((n) => text(n * step, { bottom: tall(n * step) })))
    const last = data.days.length - 1, wanted = [...new Set([0, 1, 2, 3].map((n) => Math.round(n * last / 3)))]
    $("figure .x").replaceChildren(...wanted.map((n) => text(data.days[n], { left: `${100 * (n + (n === 0 ? 0 : n === last ? 1 : .5)) / (last + 1)}%` })))
    $("figure").setAttribute("aria-label", `${level.figures[0]} alerts a day ${data.tried ? "at" : "beside"} a budget of ${level.budget}; above it on ${level.figures[1]} days`)
  }

  const round = (n) => { const power = 10 ** Math.floor(Math.log10(n)); return [1, 1.5, 2, 2.5, 3, 4, 5, 6, 8, 10].find((s) => s * power >= n) * power }
  const piece = (tag, kind, style) => { const made = document.createElement(tag); made.className = kind; Object.assign(made.style, style); return made }
  const text = (words, style) => { const made = piece("span", "", style); made.textContent = words; return made }

  range.addEventListener("input", () => { at = nearest(+range.value); const held = range.value; paint(); range.value = held })
  range.addEventListener("change", paint)
  range.addEventListener("keydown", (event) => {
    const by = { ArrowRight: 1, ArrowUp: 1, ArrowLeft: -1, ArrowDown: -1 }[event.key]
    if (!by) return
    event.preventDefault()
    at = Math.min(data.levels.length - 1, Math.max(0, at + by))
    paint()
  })
  box.addEventListener("click", (event) => {
    const does = event.target.closest("[data-do]")?.dataset.do
    if (does === "set") send("set", data.levels[at].budget)
    else if (does === "undo") send("undo", true)
    else if (does === "reset") { at = inForce(); paint() }
  })
  return receive
}
