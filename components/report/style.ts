/** Pure: how a report looks: light and dark, narrow and wide, and on paper. */
import { pictureStyle } from "./marks.ts";

const light = `
  --page: #ffffff; --text: #1f2328; --quiet: #59636e; --line: #d0d7de; --soft: #f6f8fa;
  --good: #116329; --bad: #a40e26; --mind: #7d4e00; --added: #dafbe1; --removed: #ffebe9;`;
const dark = `
  --page: #0d1117; --text: #e6edf3; --quiet: #9198a1; --line: #30363d; --soft: #161b22;
  --good: #56d364; --bad: #ff7b72; --mind: #e3b341; --added: #12331c; --removed: #3c1618;`;

/** The style sheet of a page. */
export const pageStyle = `
:root { color-scheme: light dark; ${light} }
@media screen and (prefers-color-scheme: dark) { :root { ${dark} } }
* { box-sizing: border-box }
body {
  margin: 0 auto; max-width: 60rem; padding: 1.5rem 1rem 4rem; background: var(--page); color: var(--text);
  font: 15px/1.5 system-ui, "Segoe UI", "Helvetica Neue", Arial, sans-serif; overflow-wrap: break-word;
}
h1 { font-size: 1.6rem; line-height: 1.25; margin: 0 0 .25rem }
h2 { font-size: 1.15rem; margin: 2.2rem 0 .6rem; padding-bottom: .25rem; border-bottom: 1px solid var(--line) }
h3 { font-size: 1rem; margin: 1.4rem 0 .4rem }
p { margin: .4rem 0 }
.quiet { color: var(--quiet) }
.good { color: var(--good) }
.bad { color: var(--bad) }
.mind { color: var(--mind) }
.sign { font-weight: 700; margin-right: .4em }
dl.facts { display: grid; grid-template-columns: max-content 1fr; gap: .15rem 1.2rem; margin: 1rem 0 }
dl.facts dt { color: var(--quiet) }
dl.facts dd { margin: 0; min-width: 0; overflow-wrap: anywhere }
h1, h3, li, td:last-child { overflow-wrap: anywhere }
ul.figures { display: grid; grid-template-columns: repeat(auto-fit, minmax(9rem, 1fr)); gap: .8rem; list-style: none; margin: 1.2rem 0; padding: 0 }
ul.figures li { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem }
ul.figures data { display: block; font-size: 1.35rem; font-weight: 600; font-variant-numeric: tabular-nums }
.wide { overflow-x: auto }
.wide > svg { display: block; min-width: 640px; width: 100%; height: auto }
table { border-collapse: collapse; width: 100%; font-size: .9rem }
caption { text-align: left; color: var(--quiet); padding-bottom: .3rem }
th, td { text-align: left; padding: .25rem .8rem .25rem 0; border-bottom: 1px solid var(--line); vertical-align: top }
th:first-child { white-space: nowrap }
td.number, th.number { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap }
pre { background: var(--soft); border: 1px solid var(--line); border-radius: 6px; padding: .6rem .8rem; font-size: .85rem; overflow-x: auto; white-space: pre-wrap }
pre span { display: block }
pre .added { background: var(--added) }
pre .removed { background: var(--removed) }
summary { cursor: pointer; color: var(--quiet) }
footer { margin-top: 3rem; color: var(--quiet); font-size: .85rem }
@media (max-width: 36rem) { dl.facts { grid-template-columns: 1fr; gap: 0 } dl.facts dd { margin-bottom: .5rem } }
@page { size: A4; margin: 14mm }
@media print {
  body { max-width: none; padding: 0; font-size: 10.5pt }
  h2, h3 { break-after: avoid }
  tr, ul.figures li, pre span { break-inside: avoid }
  .wide { overflow: visible }
  .wide > svg { min-width: 0 }
}
${pictureStyle}
`;
