import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import os from 'node:os';
import path from 'node:path';
import { isThisHost, serverCpuSeconds } from '../../../src/native/server-processes';

describe('the CPU time of the server', () => {
  const root = mkdtempSync(path.join(os.tmpdir(), 'pgsluice-proc-'));
  afterAll(() => rmSync(root, { recursive: true }));

  function addProcess(pid: number, name: string, user: number, system: number): void {
    mkdirSync(path.join(root, String(pid)));
    const before = Array.from({ length: 10 }, () => '0').join(' ');
    writeFileSync(path.join(root, String(pid), 'stat'), `${pid} (${name}) S ${before} ${user} ${system} 9 9 20 0`);
  }

  test('is that of its processes alone, wherever a name has spaces', () => {
    addProcess(10, 'postgres', 150, 50);
    addProcess(11, 'post gres) S', 500, 500);
    addProcess(12, 'node', 700, 0);
    writeFileSync(path.join(root, '13'), 'no folder');
    expect(serverCpuSeconds([10, 11, 12, 13, 14], root)).toEqual(new Map([[10, 2]]));
  });

  test('is asked for only where the server may be on this host', () => {
    const own = Object.values(os.networkInterfaces()).flatMap((all) => all?.map(({ address }) => address) ?? []);
    for (const host of ['localhost', '127.0.0.1', '::1', '/var/run/postgresql', ...own])
      expect(isThisHost(host)).toBe(true);
    for (const host of ['db.example.com', '192.0.2.1', 'localhost,db.example.com', ''])
      expect(isThisHost(host)).toBe(false);
  });
});
