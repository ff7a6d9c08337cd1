// What is asked about a server that is to become a host, and the order that is sent for it.

import { el } from './element.js';
import { choice, field } from './parts.js';

const plain = { spellcheck: 'false', autocapitalize: 'none' };

function signInFields() {
  const password = field('Password', { name: 'password', type: 'password' }, 'Of that user. It is kept in memory until the server knows the engine’s key, and never stored.');
  const sudo = field('Password for sudo', { name: 'sudo', type: 'password' }, 'Only where it is another one.');
  const byPassword = choice('With a password', { type: 'radio', name: 'method', checked: true });
  const byKey = choice('With the engine’s key', { type: 'radio', name: 'method' }, 'Which is in the authorized_keys of that user already.');
  return { password, sudo, byPassword, byKey };
}

function furtherFields() {
  return {
    port: field('SSH port', { name: 'ssh-port', type: 'number', min: 1, max: 65535, placeholder: '22' }),
    jump: field('Jump host', { ...plain, name: 'jump', placeholder: 'bastion.example.org' }, 'A host in front of the server, with the same password or key.'),
    jumpUser: field('User on the jump host', { ...plain, name: 'jump-user', placeholder: 'as above' }),
    jumpPort: field('Port of the jump host', { name: 'jump-port', type: 'number', min: 1, max: 65535, placeholder: '22' }),
    repository: field('Package repository', { ...plain, name: 'repository', type: 'url', placeholder: 'https://' }, 'Beside the server’s own. Its packages are installed without a signature, so only https.'),
    bare: choice('A server without virtualization is all right', { name: 'bare' }),
    still: choice('Do not reboot it', { name: 'still' }, 'Even where it needs that.'),
    undo: choice('Take it back when it fails', { name: 'undo' }, 'A failed step, an agent that is not heard, or a host that is not fit for five minutes.'),
    takeOver: choice('Take it over from another engine', { name: 'take-over' }, 'That engine loses it.'),
    kdump: choice('Let kdump tell the engine of a crash dump', { name: 'kdump' }, 'On EL.'),
  };
}

/** Everything that is asked; `order(keys)` is the body that says it, with the host keys that were confirmed. */
export function orderForm(clusters, keyLine) {
  const name = field('Name', { ...plain, name: 'name', required: true, placeholder: 'kvm-8' }, 'By which the host is to be known.');
  const address = field('Address', { ...plain, name: 'address', required: true, placeholder: '10.20.0.8' }, 'Name or IP address of the server.');
  const cluster = field('Cluster', { name: 'cluster', options: clusters.map((one) => [one.id, one.name]) });
  const user = field('User', { ...plain, name: 'user', value: 'root', required: true }, 'Who is not root becomes root by sudo.');
  const signIn = signInFields();
  const further = furtherFields();
  const secrets = el('div', { class: 'fields' }, signIn.password.node, signIn.sudo.node);
  const key = el('div', { class: 'tight', hidden: true }, el('p', { class: 'small muted' }, 'Lay this line into ~/.ssh/authorized_keys of that user on the server:'), el('div', { class: 'key small' }, keyLine));
  const turn = () => {
    key.hidden = !signIn.byKey.input.checked;
    secrets.hidden = signIn.byKey.input.checked;
    signIn.password.input.required = signIn.byPassword.input.checked;
  };
  for (const one of [signIn.byPassword, signIn.byKey]) one.input.addEventListener('change', turn);
  turn();
  const { bare, still, undo, takeOver, kdump, ...texts } = further;
  const node = el('div', { class: 'stack' },
    el('div', { class: 'fields' }, name.node, address.node, cluster.node, user.node),
    el('fieldset', { class: 'stack' }, el('legend', {}, 'How the engine signs in'), el('div', { class: 'row top' }, signIn.byPassword.node, signIn.byKey.node), secrets, key),
    el('details', {}, el('summary', {}, 'More choices'),
      el('div', { class: 'stack' }, el('div', { class: 'fields' }, Object.values(texts).map((one) => one.node)), el('div', { class: 'fields' }, [bare, still, undo, takeOver, kdump].map((one) => one.node)))));

  function access(keys) {
    const isKey = signIn.byKey.input.checked;
    const who = { user_name: user.input.value.trim() };
    return {
      authentication_method: isKey ? 'publickey' : 'password',
      port: further.port.input.value || undefined,
      fingerprint: keys.server ?? undefined,
      user: isKey ? who : { ...who, password: signIn.password.input.value },
    };
  }

  function jump(keys) {
    const place = further.jump.input.value.trim();
    if (place === '') return undefined;
    return { address: place, port: further.jumpPort.input.value || undefined, user_name: further.jumpUser.input.value.trim() || user.input.value.trim(), fingerprint: keys.jump ?? undefined };
  }

  const order = (keys) => ({
    name: name.input.value.trim(),
    address: address.input.value.trim(),
    cluster: { id: cluster.input.value },
    ssh: access(keys),
    muster: {
      repository: further.repository.input.value.trim() || undefined,
      without_virtualization: bare.input.checked || undefined,
      reboot: still.input.checked ? false : undefined,
      undo_on_failure: undo.input.checked || undefined,
      take_over: takeOver.input.checked || undefined,
      kdump: kdump.input.checked || undefined,
      sudo_password: signIn.byPassword.input.checked && signIn.sudo.input.value !== '' ? signIn.sudo.input.value : undefined,
      jump: jump(keys),
    },
  });
  /** What must be the same for a key that was confirmed to count, and what for a report. */
  const route = () => JSON.stringify([address.input.value.trim(), further.port.input.value, further.jump.input.value.trim(), further.jumpPort.input.value]);
  return { node, order, route, shownName: () => name.input.value.trim() };
}
