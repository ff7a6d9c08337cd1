// What happened, the newest first, live.

import { get, query } from './api.js';
import { el, fill } from './element.js';
import { eventList } from './event-list.js';
import { watch } from './live.js';
import { button, field, problems } from './parts.js';

const page = 50;
/** So many events are kept as long as nobody asks for older ones. */
const keptMax = 200;
/** So many pages are read to close a gap; what is older than that is read by the button. */
const pagesMax = 20;

export function eventsPage({ signal, search }) {
  const { place, attempt } = problems();
  const words = search.get('search') ?? '';
  const box = field('Search', { type: 'search', value: words, placeholder: 'severity=error and host.name=kvm-*', spellcheck: 'false', enterkeyhint: 'search' },
    'A word of the text, or oVirt’s language: severity=error, host.name=kvm-8, time>yesterday.');
  const submit = (event) => {
    event.preventDefault();
    location.hash = query('/events', { search: box.input.value.trim() });
  };
  const list = eventList(true);
  const known = new Map();
  let pages = 1;
  const sorted = () => [...known.values()].sort((one, other) => Number(other.index) - Number(one.index));
  const fetchPage = async (number) => {
    const asked = number === 1 ? words : `${words} page ${number}`.trim();
    const events = (await get(query('events', { search: asked, max: page }), signal)).event ?? [];
    for (const event of events) known.set(event.index, event);
    return events.length;
  };
  /** What came since the newest one that is known: a page is not always enough. */
  const catchUp = async () => {
    const newest = sorted()[0]?.index;
    let number = 1;
    let found = await fetchPage(number);
    const first = found;
    while (newest !== undefined && found === page && !passed(newest, number) && number < pagesMax) {
      number += 1;
      found = await fetchPage(number);
    }
    if (pages === 1) for (const event of sorted().slice(keptMax)) known.delete(event.index);
    return first;
  };
  /** Whether the pages up to this one reach back to the event. */
  const passed = (index, number) => {
    const all = sorted();
    return Number(all[Math.min(number * page, all.length) - 1].index) <= Number(index);
  };
  const nothing = el('p', { class: 'muted' }, 'Nothing yet.');
  const show = () => {
    list.update(sorted());
    nothing.hidden = known.size > 0;
  };
  const older = button('Show older ones', '', () => attempt(async () => {
    pages += 1;
    older.hidden = await fetchPage(pages) < page;
    show();
  }));
  older.hidden = true;
  watch(signal, () => attempt(async () => {
    const number = await catchUp();
    if (pages === 1) older.hidden = number < page;
    show();
  }));
  return [
    el('h1', {}, 'Events'),
    el('form', { class: 'search', role: 'search', on: { submit } }, box.node, el('button', { type: 'submit' }, 'Search')),
    place, fill(el('section', { class: 'card' }), nothing, list.node, el('div', { class: 'row' }, older)),
  ];
}
