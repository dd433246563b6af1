// A page that is only read: shows what Python rendered, and tells it what was clicked.
const pages = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  const box = parentElement.querySelector(".page")
  const writing = box.querySelector("input:focus")?.value  // what somebody is writing is not swept away
  if (!writing && pages.get(box) !== data.html) {
    box.innerHTML = data.html
    pages.set(box, data.html)
  }
  const go = (event) => {
    const hit = event.target.closest("[data-go]")
    if (!hit || (event.type !== "click" && event.key !== "Enter")) return
    const words = hit.dataset.with ? `:${box.querySelector(`[name=${hit.dataset.with}]`).value}` : ""
    setTriggerValue("go", hit.dataset.go + words)
  }
  box.onclick = box.onkeydown = go
}
