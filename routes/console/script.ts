/**
 * The only script of the console; every page works without it.
 *
 * Parts marked `data-live` are fetched again and put in place where they differ, so that all markup is made on
 * the server. It uses no HTML from anywhere but pages of this console.
 */
export const script = `'use strict'
const main = document.querySelector('main')

// When the page was last brought up to date.
let fresh = Date.now()

async function refresh() {
  fresh = Date.now()
  const from = new URL(main.dataset.livePath || location.href, location.href)
  const answer = await fetch(from, { headers: { accept: 'text/html' } })
  // Signed out meanwhile: the answer is another page.
  if (!answer.ok || new URL(answer.url).pathname !== from.pathname) return
  const next = new DOMParser().parseFromString(await answer.text(), 'text/html')
  for (const part of document.querySelectorAll('[data-live]')) {
    const made = next.getElementById(part.id)
    if (!made || made.outerHTML === part.outerHTML) continue
    // What the reader has open or is typing in stays as it is.
    if (part.querySelector('details[open]') || part.contains(focusedField())) continue
    const href = part.contains(document.activeElement) && document.activeElement.getAttribute('href')
    part.replaceWith(made)
    if (href) made.querySelector('a[href="' + CSS.escape(href) + '"]')?.focus()
    bind(made)
  }
  const ms = next.querySelector('main')?.dataset.liveMs
  if (ms) main.dataset.liveMs = ms
  else delete main.dataset.liveMs
}

function focusedField() {
  const field = document.activeElement
  return field && field.matches('input, textarea, select') ? field : null
}

// Open while the page is looked at: a browser has six connections to a server, for all its tabs.
let source
// True while the server says by itself when something has changed.
let told = false
let busy = false
let again = false

async function change() {
  again = true
  if (busy || document.hidden) return
  busy = true
  while (again) {
    again = false
    await refresh().catch(() => undefined)
  }
  busy = false
  if (!main.dataset.liveMs) deaf()
}

function deaf() {
  source?.close()
  source = undefined
  told = false
}

function listen() {
  if (source || document.hidden || !main.dataset.liveMs) return
  if (!main.dataset.liveEvents || typeof EventSource === 'undefined') return
  source = new EventSource(main.dataset.liveEvents)
  let lost = true
  // Before it, something may have been missed.
  source.addEventListener('hello', () => { told = true; if (lost) void change(); lost = false })
  source.addEventListener('change', () => void change())
  source.addEventListener('error', () => { told = false; lost = true })
}

document.addEventListener('visibilitychange', () => {
  if (document.hidden) return deaf()
  if (main.dataset.liveMs) void change()
  listen()
})

async function live() {
  listen()
  while (main.dataset.liveMs) {
    await new Promise((go) => setTimeout(go, Number(main.dataset.liveMs)))
    // Also where nothing happens a minute ago becomes two.
    if (document.hidden || (told && Date.now() - fresh < 60_000)) continue
    await refresh().catch(() => undefined)
  }
}

function bind(root) {
  for (const button of root.querySelectorAll('[data-copy]')) {
    button.hidden = !navigator.clipboard
    button.addEventListener('click', async () => {
      await navigator.clipboard.writeText(document.getElementById(button.dataset.copy).textContent)
      const word = button.textContent
      button.textContent = 'Copied'
      setTimeout(() => { button.textContent = word }, 1600)
    })
  }
}

// A second click on the same button would send the form twice.
document.addEventListener('submit', (event) => {
  if (event.defaultPrevented) return
  const { submitter } = event
  if (submitter && event.target.method === 'post') setTimeout(() => { submitter.disabled = true })
})
window.addEventListener('pageshow', () => {
  for (const button of document.querySelectorAll('button[type=submit][disabled]')) button.disabled = false
})

// Escape and a click beside it close an open panel.
document.addEventListener('keydown', (event) => {
  if (event.key !== 'Escape') return
  const open = document.querySelector('details.action[open]')
  if (!open) return
  open.open = false
  open.querySelector('summary').focus()
})
document.addEventListener('click', (event) => {
  for (const open of document.querySelectorAll('details.action[open]')) {
    if (!open.contains(event.target)) open.open = false
  }
})

function dropArea(area) {
  const form = area.closest('form')
  const input = area.querySelector('input[type=file]')
  const told = area.querySelector('[data-told]')
  const bar = form.querySelector('progress')
  const size = (bytes) => bytes < 1e6 ? Math.ceil(bytes / 1e3) + ' kB' : (bytes / 1e6).toFixed(1) + ' MB'
  const show = () => {
    const [file] = input.files
    told.textContent = file ? file.name + ' (' + size(file.size) + ')' : ''
  }
  input.addEventListener('change', show)
  area.addEventListener('dragover', (event) => { event.preventDefault(); area.classList.add('over') })
  area.addEventListener('dragleave', () => area.classList.remove('over'))
  area.addEventListener('drop', (event) => {
    event.preventDefault()
    area.classList.remove('over')
    if (event.dataTransfer.files.length === 0) return
    input.files = event.dataTransfer.files
    show()
    form.requestSubmit(form.querySelector('button.primary'))
  })
  form.addEventListener('submit', (event) => {
    event.preventDefault()
    const button = event.submitter || form.querySelector('button.primary')
    const request = new XMLHttpRequest()
    const body = new FormData(form)
    bar.hidden = false
    button.disabled = true
    request.upload.addEventListener('progress', ({ loaded, total }) => { bar.max = total; bar.value = loaded })
    request.addEventListener('load', () => {
      if (request.status < 400) { location.href = request.responseURL; return }
      const page = new DOMParser().parseFromString(request.responseText, 'text/html')
      told.textContent = page.querySelector('main p:not(.empty-mark)')?.textContent.trim() ?? 'The file was not taken'
      bar.hidden = true
      button.disabled = false
    })
    request.addEventListener('error', () => {
      told.textContent = 'The connection was lost before the file was complete. Send it again.'
      bar.hidden = true
      button.disabled = false
    })
    request.open('POST', button.formAction)
    request.send(body)
  })
}

// Told once: a reload does not say it again.
const here = new URL(location.href)
if (here.searchParams.has('done')) {
  here.searchParams.delete('done')
  history.replaceState(history.state, '', here)
}

for (const zone of document.querySelectorAll('[data-own-zone]')) {
  if (zone.value === 'UTC') zone.value = Intl.DateTimeFormat().resolvedOptions().timeZone
}

document.querySelector('.tabs [aria-current]')?.scrollIntoView({ block: 'nearest', inline: 'center' })
bind(document)
for (const area of document.querySelectorAll('.drop-area')) dropArea(area)
void live()
`
