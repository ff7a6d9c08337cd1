// What is known of a host, in groups.

import { el } from './element.js';
import { facts, time } from './parts.js';
import { moment, size } from './words.js';

const joined = (...words) => words.filter((word) => word).join(' ');
const mono = (text) => (text ? el('span', { class: 'mono' }, text) : null);

function processor(cpu) {
  const { sockets, cores, threads } = cpu?.topology ?? {};
  const shape = sockets ? `${sockets} × ${cores ?? '?'} cores × ${threads ?? '?'} threads` : '';
  return [cpu?.name, shape].filter((word) => word).join(', ');
}

function machine(host) {
  const hardware = host.hardware_information ?? {};
  return [
    ['Made by', joined(hardware.manufacturer, hardware.product_name)],
    ['Serial number', hardware.serial_number],
    ['Machine id', mono(hardware.uuid)],
    ['Processor', processor(host.cpu)],
    ['Memory', size(host.memory)],
    ['Network card', mono(host.muster.mac)],
  ];
}

function system(host) {
  const image = host.muster.image;
  return [
    ['System', joined(host.os?.type, host.os?.version?.full_version)],
    ['Image', image ? joined(image.name, image.version) : null],
    ['Newer version', host.muster.newer_version],
    ['Agent', host.version?.full_version],
    ['libvirt', host.libvirt_version?.full_version],
    ['SELinux', host.se_linux?.mode],
    ['Guests', host.summary ? `${host.summary.total} (${host.summary.active} active)` : null],
  ];
}

function upkeep(host) {
  const seen = Number(host.muster.last_seen);
  return [
    ['Cluster', host.cluster?.name],
    ['Address', mono(`${host.address}, port ${host.port}`)],
    ['Last answer', seen > 0 ? moment(new Date(seen * 1000).toISOString()) : null],
    ['Certificate ends', host.muster.certificate_ends ? time(host.muster.certificate_ends) : null],
    ['Boots', joined(host.muster.boot_profile, host.muster.next_boot_profile ? `(next: ${host.muster.next_boot_profile})` : '')],
    ['Tags', (host.muster.tags ?? []).join(', ')],
    ['Comment', host.comment],
  ];
}

function access(host) {
  if (!host.ssh) return [];
  const method = host.ssh.authentication_method === 'publickey' ? 'the engine’s key' : 'a password';
  return [
    ['Signs in as', `${host.ssh.user?.user_name ?? ''}, port ${host.ssh.port ?? 22}, by ${method}`],
    ['Host key', mono(host.ssh.fingerprint)],
    ['Through', host.muster.jump?.address],
  ];
}

export function hostFacts(host) {
  const groups = [['Upkeep', upkeep(host)], ['Machine', machine(host)], ['System', system(host)], ['Server', access(host)]];
  return groups
    .map(([name, rows]) => [name, facts(rows)])
    .filter(([, list]) => list.childElementCount > 0)
    .map(([name, list]) => el('div', { class: 'tight' }, el('h3', {}, name), list));
}

/** Of a machine that claims to be the host: all of it is the machine's own word. */
export function claimFacts(claim) {
  const said = claim.facts;
  const cards = said.interfaces.map((card) => el('div', {}, `${card.name} `, mono(card.mac), card.hasCarrier ? '' : ' (no cable)'));
  return facts([
    ['Asked', time(claim.created)],
    ['From', mono(claim.address)],
    ['Key', mono(claim.key_fingerprint)],
    ['Calls itself', joined(said.manufacturer, said.product)],
    ['Serial number', said.serial],
    ['Machine id', mono(claim.hardware_id)],
    ['Processor', said.cpuCount > 0 ? joined(String(said.cpuCount), '×', said.cpuModel ?? 'processor') : said.cpuModel],
    ['Memory', size(said.memory * 2 ** 20)],
    ['Virtualization', said.hasKVM ? 'yes' : 'no'],
    ['Network cards', cards.length > 0 ? cards : null],
  ]);
}
