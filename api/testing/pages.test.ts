/** Links in README, guides and folder READMEs lead to files, and to headings that are there. */
import { execFileSync } from 'node:child_process';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { PACKAGE_ROOT } from '../../engine/testing/package-root.ts';

const ROOT = fileURLToPath(PACKAGE_ROOT);
const pages = execFileSync('git', ['ls-files', '-co', '--exclude-standard', '*.md'], {
  cwd: ROOT,
  encoding: 'utf8',
})
  .trim()
  .split('\n')
  .filter((page) => existsSync(join(ROOT, page)));

test.each(pages)('the links of %s lead somewhere', (page) => {
  const text = withoutCode(read(page));
  const links = [...text.matchAll(/\]\(([^)\s]+)\)/g)].map(([, link]) => link ?? '');
  const broken = links.filter((link) => !/^(https?|mailto):/.test(link) && !leads(page, link));
  expect(broken).toEqual([]);
});

test('the tests that SECURITY.md and the READMEs name are there', () => {
  const named = pages
    .filter((page) => page !== 'CHANGELOG.md' && !page.startsWith('docs/'))
    .flatMap((page) =>
      [...withoutCode(read(page)).matchAll(/`((?:[\w-]+\/)+[\w.-]+\.test\.ts)`/g)].map(
        ([, path = '']) => ({
          page,
          path,
        }),
      ),
    );
  const from = ({ page, path }: { page: string; path: string }) =>
    [path, join(dirname(page), path)].some((place) => existsSync(join(ROOT, place)));
  expect(named.length).toBeGreaterThan(20);
  expect(named.filter((one) => !from(one))).toEqual([]);
});

test.each(pages)('%s has been merged to its end', (page) => {
  expect(read(page)).not.toMatch(/^(<{7} |={7}$|>{7} )/m);
});

function leads(from: string, link: string): boolean {
  const [path = '', anchor] = link.split('#');
  const target = path === '' ? from : join(dirname(from), path);
  if (!existsSync(join(ROOT, target))) return false;
  if (anchor === undefined || statSync(join(ROOT, target)).isDirectory()) return true;
  return headingsOf(read(target)).includes(anchor);
}

/** As GitHub names them. */
function headingsOf(text: string): string[] {
  return [...withoutCode(text).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replace(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

function withoutCode(text: string): string {
  return text.replace(/^```[\s\S]*?^```/gm, '');
}

function read(page: string): string {
  return readFileSync(join(ROOT, page), 'utf8');
}
