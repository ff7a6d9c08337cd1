// A list of events, the newest first.

import { el, sync } from './element.js';
import { hostLink, time } from './parts.js';

const severities = { warning: 'Warning', error: 'Error', alert: 'Alert' };

function item(event, withHost) {
  const meta = [
    time(event.time),
    severities[event.severity] ?? null,
    withHost && event.host ? el('span', {}, hostLink(event.host)) : null,
    event.user ? el('span', {}, `by ${event.user.name ?? event.user.id}`) : null,
  ];
  return el('li', { 'data-severity': event.severity },
    el('div', {}, el('div', { class: 'text' }, event.description), el('div', { class: 'meta' }, meta)));
}

/** `{node, update(events)}`. `withHost`: each says whose it is. */
export function eventList(withHost) {
  const node = el('ul', { class: 'events' });
  return {
    node,
    update: (events) => sync(node, events, (event) => event.index, (event) => item(event, withHost)),
  };
}
