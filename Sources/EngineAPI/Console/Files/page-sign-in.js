// The door.

import { signIn } from './api.js';
import { el } from './element.js';
import { busy, field, problems } from './parts.js';

export function signInPage(signedIn) {
  const { place, attempt } = problems();
  const user = field('User', { name: 'username', autocomplete: 'username', required: true, autocapitalize: 'none', spellcheck: 'false' },
    'With its profile, such as admin@internal.');
  const password = field('Password', { name: 'password', type: 'password', autocomplete: 'current-password', required: true });
  const go = el('button', { class: 'primary', type: 'submit' }, 'Sign in');
  const submit = (event) => {
    event.preventDefault();
    busy(go, () => attempt(async () => {
      const who = await signIn(user.input.value.trim(), password.input.value);
      signedIn(who);
    })).then(() => { if (go.isConnected) password.input.select(); });
  };
  return el('section', { class: 'card door' },
    el('div', { class: 'brand' }, el('img', { src: 'icon.svg', alt: '' }), 'Muster'),
    el('h1', {}, 'Sign in'),
    el('form', { class: 'stack', on: { submit } }, user.node, password.node, place, el('div', { class: 'row' }, go)));
}
