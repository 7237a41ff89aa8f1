// Sets the theme before anything is drawn. Not a module, so that it runs at once.
(() => {
  let theme = 'auto'
  try { theme = localStorage.getItem('theme') || 'auto' } catch { /* storage is off */ }
  if (theme !== 'auto') document.documentElement.dataset.theme = theme
  document.addEventListener('DOMContentLoaded', () => {
    const button = document.getElementById('theme')
    const show = () => { button.textContent = 'Theme: ' + theme }
    show()
    button.addEventListener('click', () => {
      theme = { auto: 'light', light: 'dark', dark: 'auto' }[theme]
      if (theme === 'auto') delete document.documentElement.dataset.theme
      else document.documentElement.dataset.theme = theme
      try { localStorage.setItem('theme', theme) } catch { /* storage is off */ }
      show()
      document.dispatchEvent(new Event('themechange'))
    })
  })
})()
