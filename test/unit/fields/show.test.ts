import { describe, expect, it } from 'vitest';
import { errnoName, openFlags, openFlagsOf } from '../../../fields/constants.ts';
import { nearest } from '../../../fields/nearest.ts';
import { show, showFlags, showIpv6, showRaw, showRwbs } from '../../../fields/show.ts';

describe('values for people', () => {
  it('spells request flags in words', () => {
    expect(showRwbs('WS')).toBe('write, synchronous');
    expect(showRwbs('FF')).toBe('flush before, flush');
    expect(showRwbs('F')).toBe('flush');
    expect(showRwbs('FWFSM')).toBe('flush before, write, force unit access, synchronous, metadata');
    expect(showRwbs('RA')).toBe('read, read-ahead');
    expect(showRwbs('DE')).toBe('secure erase');
    expect(showRwbs('N')).toBe('none');
    expect(showRwbs('?')).toBe('?');
  });

  it('names flags and keeps the bits without a name', () => {
    expect(showFlags(openFlags, '|', 0o101)).toBe('O_WRONLY|O_CREAT');
    expect(showFlags(openFlags, '|', 0x40000041)).toBe('O_WRONLY|O_CREAT|0x40000000');
    expect(showFlags(openFlags, '|', 0)).toBe('0');
    expect(showFlags(openFlagsOf('arm64'), '|', 0o40000)).toBe('O_DIRECTORY');
  });

  it('names errors of system calls, and nothing that is no error', () => {
    expect(show({ as: 'errno' }, -2)).toBe('-ENOENT');
    expect(show({ as: 'errno' }, -2n)).toBe('-ENOENT');
    expect(show({ as: 'errno' }, 17)).toBe('17');
    expect(show({ as: 'errno' }, -4096)).toBe('-4096');
    expect(errnoName(11)).toBe('EAGAIN');
  });

  it('shows devices by name, and unknown ones by number', () => {
    const display = { as: 'device' as const, values: [{ name: 'vda', value: (254 << 20) | 0 }] };
    expect(show(display, (254 << 20) | 0)).toBe('vda');
    expect(show(display, (8 << 20) | 3)).toBe('8:3');
  });

  it('shows addresses as in RFC 5952', () => {
    expect(show({ as: 'ipv4' }, '7f000001')).toBe('127.0.0.1');
    expect(showIpv6('00000000000000000000000000000001')).toBe('::1');
    expect(showIpv6('20010db8000000000001000000000001')).toBe('2001:db8::1:0:0:1');
    expect(showIpv6('00000000000000000000ffff0a000001')).toBe('::ffff:10.0.0.1');
    expect(show({ as: 'sockaddr' }, '020001bb7f0000010000000000000000')).toBe('127.0.0.1:443');
  });

  it('shows durations, bytes, file descriptors and the raw value beside', () => {
    expect(show({ as: 'durationNs' }, 12_345_678n)).toBe('12.3 ms');
    expect(show({ as: 'durationNs' }, 940)).toBe('940 ns');
    expect(show({ as: 'fd' }, -100)).toBe('AT_FDCWD');
    expect(show({ as: 'mac' }, '0a0b0c0d0e0f')).toBe('0a:0b:0c:0d:0e:0f');
    expect(show({ as: 'symbol' }, -1n)).toBe('0xffffffffffffffff');
    expect(showRaw(255)).toBe('255 (0xff)');
  });

  it('suggests near names only', () => {
    expect(nearest('byte', ['bytes', 'sector'])).toBe('bytes');
    expect(nearest('bytse', ['bytes', 'sector'])).toBe('bytes');
    expect(nearest('quux', ['bytes', 'sector'])).toBeUndefined();
  });
});
