// Shows how far the night is. Without this script the page has a link that follows by itself.
const box = document.getElementById('progress')
if (box && window.EventSource) {
  const text = document.getElementById('progress-text'), bar = box.querySelector('progress')
  const from = new EventSource('/events')
  from.addEventListener('step', e => {
    const at = JSON.parse(e.data)
    text.textContent = at.text
    if (at.total) { bar.max = at.total; bar.value = at.done } else bar.removeAttribute('value')
  })
  from.addEventListener('end', () => { from.close(); location.reload() })
}
