// The page: which model stands behind it, which panels it offers, and which of them is shown.

import {element} from './dom.js';

const MODULES = {
  translation: './translation.js',
  vae: './latent.js',
  gan: './gan.js',
  gradients: './gradients.js',
};
const LOCAL = document.querySelector('meta[name="arzhang-model"]')?.content === 'local';

const main = document.querySelector('main');
const links = document.querySelector('nav');

// The choice of colours outlives the visit where the browser lets it.
for (const input of document.querySelectorAll('.theme input')) {
  try {
    input.checked = input.value === (localStorage.getItem('theme') ?? 'auto');
    input.onchange = () => localStorage.setItem('theme', input.value);
  } catch { /* no storage: the choice lasts as long as the page */ }
}

function failed(place, error) {
  place.replaceChildren(element('p', {class: 'wrong', role: 'alert'}, error.message));
}

async function start() {
  const model = await import(LOCAL ? './local.js' : './remote.js');
  const {title, version, panels} = await model.about();
  document.querySelector('h1').textContent = title;
  document.querySelector('footer').textContent = `Arzhang ${version}`;
  main.replaceChildren();
  const sections = new Map();
  for (const panel of panels) {
    const section = element('section', {id: `panel-${panel.id}`, class: panel.kind, 'aria-label': panel.title});
    sections.set(panel.id, {panel, section});
    links.append(element('a', {href: `#${encodeURIComponent(panel.id)}`}, panel.title));
  }
  links.hidden = panels.length < 2;

  async function show() {
    const id = decodeURIComponent(location.hash.slice(1));
    const {panel, section} = sections.get(id) ?? sections.values().next().value;
    [...links.children].forEach((link, i) => {
      link.toggleAttribute('aria-current', panels[i] === panel);
      if (panels[i] === panel) link.setAttribute('aria-current', 'page');
    });
    document.title = `${panel.title} · ${title}`;
    for (const other of sections.values()) other.section.hidden = other.section !== section;
    if (section.isConnected) return;
    main.append(section);  // a panel asks for nothing before it is looked at
    section.append(element('h2', {}, panel.title));
    const place = element('div', {class: 'panel'});
    section.append(place);
    await import(MODULES[panel.kind]).then(kind => kind.mount(place, panel, model)).catch(error => failed(place, error));
  }
  addEventListener('hashchange', show);
  await show();
}

start().catch(error => failed(main, error));
