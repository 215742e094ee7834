/** Labelled snippets, continued: what outlives a call, and what only looks like it. */
import type { Labelled } from './capability-table-reach.ts';

/** Named after how they begin. */
export const STATE: readonly Labelled[] = [
  ['const st={}', 'module-state', 'const st={}; export default x => { Object.assign(st,x); return st }'],
  ['const st={}', '', 'const st={}; export default x => Object.assign({},st,x)'],
  [
    'const o = { a: 1 }',
    'module-state',
    'const o = { a: 1 }; export default (x) => { const c = o; c.a = x; return c; };',
  ],
  ['const m = new Map()', 'module-state', 'const m = new Map(); export default k => { m.get(k).n++ }'],
  [
    'const m = new Map()',
    'module-state',
    'const m = new Map(); export default k => { const e = m.get(k); e.n++; }',
  ],
  [
    'const m = new Map([["a",{n:1}]])',
    '',
    'const m = new Map([["a",{n:1}]]); export default k => { const e = {...m.get(k)}; e.n++; return e }',
  ],
  ['const m = new Map()', 'module-state', 'const m = new Map(); export default k => { m.get(k).push(1) }'],
  ['const q=[]', 'module-state', 'const q=[]; export default x => { q[q.length]=x; return q.length }'],
  [
    'const d=new Date(0)',
    'module-state',
    'const d=new Date(0); export default () => { d.setTime(5); return d.getTime() }',
  ],
  [
    '() => { const d=new Date(0); d.setTime(5); re',
    '',
    'export default () => { const d=new Date(0); d.setTime(5); return d.getTime() }',
  ],
  ['const a=[1,2]', '', 'const a=[1,2]; export default () => { a[0]=5; return a }'],
  ['const a=[1,2]', 'module-state', 'const a=[1,2]; export default (x) => { a[0]=x; return a }'],
  ['const a=[0,0]', 'module-state', 'const a=[0,0]; export default (i) => { a[i]++; return a }'],
  ['const a=[0,0]', 'module-state', 'const a=[0,0]; export default (i) => { a[i]+=1; return a }'],
  ['const a=[3,1]', '', 'const a=[3,1]; export default () => { const t=a[0]; a[0]=a[1]; a[1]=t; return a }'],
  ['let x=0; function set(){x=1} set()', '', 'let x=0; function set(){x=1} set(); export default () => x;'],
  [
    'let x=0; function set(){x=1}',
    'module-state',
    'let x=0; function set(){x=1} export default () => {set(); return x}',
  ],
  [
    'const o={n:0}; const inc=()=>{o.n++}; inc()',
    '',
    'const o={n:0}; const inc=()=>{o.n++}; inc(); export default () => o.n',
  ],
  [
    'const o={n:0}; const inc=()=>{o.n++}; inc()',
    'module-state',
    'const o={n:0}; const inc=()=>{o.n++}; inc(); export default () => { inc(); return o.n }',
  ],
  [
    'const o={n:0}; export const inc=()=>{o.n++}; inc',
    'module-state',
    'const o={n:0}; export const inc=()=>{o.n++}; inc(); export default () => o.n',
  ],
  [
    'class C{n=0; inc(){return ++this.n}} const c=new',
    'module-state',
    'class C{n=0; inc(){return ++this.n}} const c=new C(); export default () => c.inc()',
  ],
  [
    'class C{n=0; inc(){return ++this.n}}',
    '',
    'class C{n=0; inc(){return ++this.n}} export default () => new C().inc()',
  ],
  [
    'class C{n=0; inc(){return ++this.n}}',
    '',
    'class C{n=0; inc(){return ++this.n}} export default () => { const c = new C(); return c.inc() }',
  ],
  [
    'const c={n:0, inc(){return ++this.n}}',
    'module-state',
    'const c={n:0, inc(){return ++this.n}}; export default () => c.inc()',
  ],
  [
    'class C{static n=0; static inc(){return ++this.n',
    'module-state',
    'class C{static n=0; static inc(){return ++this.n}} export default () => C.inc()',
  ],
  [
    'class P{constructor(x){this.x=x}} const p=new P(',
    '',
    'class P{constructor(x){this.x=x}} const p=new P(1); export default () => p.x',
  ],
  [
    'const {list} = {list: []}',
    'module-state',
    'const {list} = {list: []}; export default x => { list.push(x); return list.length }',
  ],
  [
    'const state={list: []}',
    'module-state',
    'const state={list: []}; export default x => { const {list}=state; list.push(x); return list.length }',
  ],
  [
    'const cfg={a:1}',
    '',
    'const cfg={a:1}; export default x => { const c=structuredClone(cfg); c.a=x; return c }',
  ],
  ['const rows=[{n:1}]', '', 'const rows=[{n:1}]; export default () => rows.map(r => ({...r, n: r.n+1}))'],
  ['const cache=[]', 'module-state', 'const cache=[]; export default n => cache[n] ??= n*n'],
  ['const defs={a:1}', '', 'const defs={a:1}; export default (o) => { o.x = defs.a; return o }'],
  [
    'const defs={a:1}',
    '',
    'const defs={a:1}; export default (o = {}) => { const r = {...defs, ...o}; r.a++; return r }',
  ],
  [
    'const a=new Uint8Array(4)',
    'module-state',
    'const a=new Uint8Array(4); export default x => { a[0]=x; return a }',
  ],
  [
    'const tpl={a:1}; function make(){ const t=Object',
    '',
    'const tpl={a:1}; function make(){ const t=Object.create(tpl); t.b=1; return t } export default make',
  ],
  [
    'const seen=new Set()',
    'module-state',
    'const seen=new Set(); export default x => { const s=seen; s.add(x); return s.size }',
  ],
  [
    'const seen=new Set()',
    '',
    'const seen=new Set(); export default x => { const s=new Set(seen); s.add(x); return s.size }',
  ],
  ['const q=[]', 'module-state', 'const q=[]; export default x => { Reflect.set(q, 0, x); return q }'],
  [
    'const h={a:[]}',
    'module-state',
    'const h={a:[]}; export default x => { h.a.push(x); return h.a.length }',
  ],
  [
    'const h={a:[]}',
    '',
    'const h={a:[]}; export default x => { const a=[...h.a]; a.push(x); return a.length }',
  ],
  [
    'let count=0; const next=()=>count++',
    'module-state',
    'let count=0; const next=()=>count++; export default () => next()',
  ],
  [
    'let count=0; const next=()=>count++; const ids=[',
    '',
    'let count=0; const next=()=>count++; const ids=[next(),next()]; export default () => ids',
  ],
  [
    'let id=0; function make(){ return {id: id++} } c',
    '',
    'let id=0; function make(){ return {id: id++} } const a=make(), b=make(); export default () => [a,b]',
  ],
  [
    'const out=[]; for (let i=0;i<3;i++) out.push(i)',
    '',
    'const out=[]; for (let i=0;i<3;i++) out.push(i); export default () => out',
  ],
  [
    'const shared=[]',
    'module-state',
    'const shared=[]; export default (x, acc=shared) => { acc.push(x); return acc }',
  ],
  ['const o=Object.freeze({a:1})', '', 'const o=Object.freeze({a:1}); export default () => o.a'],
  ['var hits=0', 'module-state', 'var hits=0; export default function(){ hits=hits+1; return hits }'],
  [
    'export let last=null; export function run(x){ la',
    'module-state',
    'export let last=null; export function run(x){ last=x; return last }',
  ],
  [
    'const u=new URLSearchParams()',
    'module-state',
    'const u=new URLSearchParams(); export default (k,v) => { u.append(k,v); return String(u) }',
  ],
  [
    'const u=new URL("http://x/")',
    'module-state',
    'const u=new URL("http://x/"); export default p => { u.pathname=p; return u.href }',
  ],
  ['const a=[1,2]', 'module-state', 'const a=[1,2]; export default () => { a.length=0; return a }'],
  ['const a=[1,2,3]', '', 'const a=[1,2,3]; export default () => a.toSorted()'],
];
