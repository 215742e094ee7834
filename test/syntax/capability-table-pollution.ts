/** Labelled snippets, continued: writes along keys, and their benign twins. */
import type { Labelled } from './capability-table-reach.ts';

/** Named after how they begin. */
export const POLLUTION: readonly Labelled[] = [
  ['(m,i,j,v) => { m[i][j]=v; }', 'proto-pollution-risk', 'export default (m,i,j,v) => { m[i][j]=v; }'],
  [
    '(grid,r,c,v) => { grid[r][c]=v; return grid; ',
    'proto-pollution-risk',
    'export default (grid,r,c,v) => { grid[r][c]=v; return grid; }',
  ],
  [
    '(grid,row,col) => { grid[row][col]=1; }',
    'proto-pollution-risk',
    'export default (grid,row,col) => { grid[row][col]=1; }',
  ],
  [
    '(grid,r,c) => { if (r < 0 || c < 0) return gr',
    '',
    'export default (grid,r,c) => { if (r < 0 || c < 0) return grid; grid[r][c]=1; return grid; }',
  ],
  [
    '(grid,r,c) => { grid[r-1][c-1]=1; return grid',
    '',
    'export default (grid,r,c) => { grid[r-1][c-1]=1; return grid; }',
  ],
  [
    '(grid,r,c) => { grid[r|0][c|0]=1; return grid',
    '',
    'export default (grid,r,c) => { grid[r|0][c|0]=1; return grid; }',
  ],
  [
    '(grid,r,c) => { grid[Number(r)][Number(c)]=1;',
    '',
    'export default (grid,r,c) => { grid[Number(r)][Number(c)]=1; return grid; }',
  ],
  [
    '(g) => { g.forEach((row,y) => row.forEach((ce',
    '',
    'export default (g) => { g.forEach((row,y) => row.forEach((cell,x) => { g[y][x] = cell*2; })); return g; }',
  ],
  [
    '(g) => { for (let y=0;y<g.length;y++) for (le',
    '',
    'export default (g) => { for (let y=0;y<g.length;y++) for (let x=0;x<g[y].length;x++) g[y][x]=0; return g; }',
  ],
  [
    '(a) => { const n=a.length; const g=Array.from',
    '',
    'export default (a) => { const n=a.length; const g=Array.from({length:n},()=>[]); for (const [i,j] of a) g[i][j]=1; return g; }',
  ],
  [
    '(a) => { const m={}; for (const [x,y] of a){ ',
    'proto-pollution-risk',
    'export default (a) => { const m={}; for (const [x,y] of a){ m[x]??={}; m[x][y]=1 } return m; }',
  ],
  [
    '(a) => { const m=Object.create(null); for (co',
    '',
    'export default (a) => { const m=Object.create(null); for (const [x,y] of a){ m[x]??={}; m[x][y]=1 } return m; }',
  ],
  [
    '(a) => { const m={__proto__:null}; for (const',
    '',
    'export default (a) => { const m={__proto__:null}; for (const [x,y] of a){ m[x]??={}; m[x][y]=1 } return m; }',
  ],
  [
    '(a) => { const m=new Map(); for (const [x,y] ',
    '',
    'export default (a) => { const m=new Map(); for (const [x,y] of a){ if(!m.has(x)) m.set(x,[]); m.get(x).push(y) } return m; }',
  ],
  [
    '(o) => { const out={}; for (const [k,v] of Ob',
    'proto-pollution-risk',
    'export default (o) => { const out={}; for (const [k,v] of Object.entries(o)) { const [a,b]=k.split("."); (out[a]||={})[b]=v } return out }',
  ],
  [
    '(rows) => { const g={}; for (const r of rows)',
    '',
    'export default (rows) => { const g={}; for (const r of rows) (g[r.k] ??= []).push(r); return g }',
  ],
  [
    '(rows) => { const g={}; for (const r of rows)',
    '',
    'export default (rows) => { const g={}; for (const r of rows) { g[r.k] = g[r.k] || []; g[r.k].push(r); } return g }',
  ],
  [
    '(rows) => rows.reduce((a,r) => { a[r.k] = (a[',
    '',
    'export default (rows) => rows.reduce((a,r) => { a[r.k] = (a[r.k]||0)+1; return a }, {})',
  ],
  [
    '(rows) => rows.reduce((a,k) => { a[k] = (a[k]',
    '',
    'export default (rows) => rows.reduce((a,k) => { a[k] = (a[k]||0)+1; return a }, {})',
  ],
  [
    '(rows) => rows.reduce((a,k) => ({...a,[k]:1})',
    '',
    'export default (rows) => rows.reduce((a,k) => ({...a,[k]:1}), {})',
  ],
  [
    '(o,p,v) => p.split(".").reduce((a,k,i,ks) => ',
    'proto-pollution-risk',
    'export default (o,p,v) => p.split(".").reduce((a,k,i,ks) => a[k] = i === ks.length-1 ? v : a[k] || {}, o)',
  ],
  [
    '(o,p,v) => { p.split(".").reduce((a,k,i,ks) =',
    'proto-pollution-risk',
    'export default (o,p,v) => { p.split(".").reduce((a,k,i,ks) => { a[k] = i === ks.length-1 ? v : a[k] || {}; return a[k]; }, o); return o }',
  ],
  [
    '(o,p) => p.split(".").reduce((a,k) => a?.[k],',
    '',
    'export default (o,p) => p.split(".").reduce((a,k) => a?.[k], o)',
  ],
  [
    '(a,b) => { for (const k in b) Object.assign(a',
    'proto-pollution-risk',
    'export default (a,b) => { for (const k in b) Object.assign(a[k], b[k]); return a }',
  ],
  [
    '(a,b) => { for (const k in b) a[k] = Object.a',
    '',
    'export default (a,b) => { for (const k in b) a[k] = Object.assign({}, a[k], b[k]); return a }',
  ],
  ['(a,b) => Object.assign(a, b)', '', 'export default (a,b) => Object.assign(a, b)'],
  [
    '(items, p) => { for (let i=0;i<items.length;i',
    '',
    'export default (items, p) => { for (let i=0;i<items.length;i++) Object.assign(items[i], p); return items }',
  ],
  [
    '(items, p) => { items.forEach((x,i) => Object',
    '',
    'export default (items, p) => { items.forEach((x,i) => Object.assign(items[i], p)); return items }',
  ],
  [
    'const deepMerge=(t,s)=>{ for (const k in s) { if',
    'proto-pollution-risk',
    'const deepMerge=(t,s)=>{ for (const k in s) { if (s[k] && typeof s[k]==="object") { t[k]=t[k]||{}; deepMerge(t[k],s[k]); } else t[k]=s[k]; } return t }; export default deepMerge;',
  ],
  [
    'const deepMerge=(t,s)=>{ for (const k of Object.',
    '',
    'const deepMerge=(t,s)=>{ for (const k of Object.keys(s)) { if (k==="__proto__") continue; if (typeof s[k]==="object") deepMerge(t[k]??={},s[k]); else t[k]=s[k]; } return t }; export default deepMerge;',
  ],
  [
    'function setPath(o,path,v){ const keys=path.spli',
    'proto-pollution-risk',
    'function setPath(o,path,v){ const keys=path.split("."); let cur=o; while(keys.length>1){ const k=keys.shift(); if(!cur[k]) cur[k]={}; cur=cur[k]; } cur[keys[0]]=v; return o } export default setPath;',
  ],
  [
    'function getPath(o,path){ let cur=o; for (const ',
    '',
    'function getPath(o,path){ let cur=o; for (const k of path.split(".")) cur=cur?.[k]; return cur } export default getPath;',
  ],
  [
    'const clone=(o)=>{ const r={}; for (const k in o',
    '',
    'const clone=(o)=>{ const r={}; for (const k in o) r[k]=typeof o[k]==="object"?clone(o[k]):o[k]; return r }; export default clone;',
  ],
  [
    '(xs) => { const o={}; for (const x of xs) o[x',
    '',
    'export default (xs) => { const o={}; for (const x of xs) o[x]=true; return o; }',
  ],
  ['(o,k,v) => { o[k]=v; return o; }', '', 'export default (o,k,v) => { o[k]=v; return o; }'],
  ['(o,k,v) => ({...o,[k]:v})', '', 'export default (o,k,v) => ({...o,[k]:v})'],
  ['(es) => Object.fromEntries(es)', '', 'export default (es) => Object.fromEntries(es)'],
  [
    '(edges) => { const g={}; for (const [u,v,w] o',
    'proto-pollution-risk',
    'export default (edges) => { const g={}; for (const [u,v,w] of edges) { (g[u] ||= {})[v]=w; (g[v] ||= {})[u]=w; } return g; }',
  ],
  [
    '(n) => { const dp=Array.from({length:n+1},()=',
    '',
    'export default (n) => { const dp=Array.from({length:n+1},()=>new Array(n+1).fill(0)); for (let i=1;i<=n;i++) for (let j=1;j<=n;j++) dp[i][j]=dp[i-1][j]+dp[i][j-1]; return dp[n][n]; }',
  ],
  [
    '(b, m) => { const [r,c]=m; b[r][c]="x"; retur',
    'proto-pollution-risk',
    'export default (b, m) => { const [r,c]=m; b[r][c]="x"; return b; }',
  ],
  [
    '(b) => { const q=[[0,0]]; while(q.length){ co',
    '',
    'export default (b) => { const q=[[0,0]]; while(q.length){ const [r,c]=q.pop(); if (r<0||c<0||r>=b.length||c>=b[0].length||b[r][c]) continue; b[r][c]=1; q.push([r+1,c],[r,c+1]); } return b; }',
  ],
  [
    '(s, id, k, v) => ({...s,[id]:{...s[id],[k]:v}',
    '',
    'export default (s, id, k, v) => ({...s,[id]:{...s[id],[k]:v}})',
  ],
  [
    '(s, id, v) => { s[id].name = v; return s }',
    '',
    'export default (s, id, v) => { s[id].name = v; return s }',
  ],
  [
    '(s, k, v) => { s.items[k] = v; return s }',
    '',
    'export default (s, k, v) => { s.items[k] = v; return s }',
  ],
  [
    '(o, a, b) => { delete o[a][b]; return o }',
    'proto-pollution-risk',
    'export default (o, a, b) => { delete o[a][b]; return o }',
  ],
  [
    '(o, path, v) => { const i = path.lastIndexOf(',
    'proto-pollution-risk',
    'export default (o, path, v) => { const i = path.lastIndexOf("."); o[path.slice(0,i)][path.slice(i+1)] = v; }',
  ],
];
