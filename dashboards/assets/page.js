// A page that is only read: shows what Python rendered, and tells it what was clicked.
const pages = new WeakMap()

export default function ({ parentElement, data, setTriggerValue }) {
  const box = parentElement.querySelector(".page")
  if (pages.get(box) !== data.html) box.innerHTML = data.html
  pages.set(box, data.html)
  const go = (event) => {
    const hit = event.target.closest("[data-go]")
    if (hit && (event.type === "click" || event.key === "Enter")) setTriggerValue("go", hit.dataset.go)
  }
  box.onclick = box.onkeydown = go
}
