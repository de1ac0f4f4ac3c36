#pragma once
#include <algorithm>
#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>
#include <midtrain/train/svg.hpp>

// The page of a report: HTML that needs nothing from elsewhere, reads well without its script, and has a light and a dark form.
namespace midtrain::inline MT_ABI::page {

using chart::escaped;

inline constexpr std::string_view sheet = R"(:root{color-scheme:light dark;--page:#f3f4f6;--card:#ffffff;--ink:#14181d;--soft:#525c68;--line:#dfe3e8;--mark:#0b61a4;--best:#e3f1e9;--best-ink:#0a5c3d}
*{box-sizing:border-box}
body{margin:0;background:var(--page);color:var(--ink);
  font:15px/1.5 system-ui,-apple-system,"Segoe UI",Helvetica,Arial,"DejaVu Sans",sans-serif}
main{max-width:1180px;margin:0 auto;padding:28px 20px 56px}
h1{font-size:26px;line-height:1.2;margin:0 0 4px;letter-spacing:-.01em;overflow-wrap:anywhere}
h2{font-size:18px;margin:36px 0 12px}
h3{font-size:14px;margin:0 0 2px}
p{margin:0}
.soft{color:var(--soft)}
.facts{display:grid;grid-template-columns:repeat(auto-fit,minmax(130px,1fr));gap:12px;margin:20px 0 0}
.facts div,.card{background:var(--card);border:1px solid var(--line);border-radius:10px}
.facts div{padding:10px 14px}
.facts dt{font-size:12px;color:var(--soft)}
.facts dd{margin:0;font-size:21px;font-variant-numeric:tabular-nums;font-weight:600}
dl{margin:0}
.grid{display:grid;grid-template-columns:repeat(2,minmax(0,1fr));gap:16px}
.card{padding:14px 16px;margin:0;min-width:0;position:relative;break-inside:avoid}
.grid>.all,.grid>figure:last-child:nth-child(odd){grid-column:1/-1}
figcaption p{font-size:13px;color:var(--soft);margin-bottom:6px}
svg{display:block;width:100%;height:auto;margin:0 auto;max-width:600px}
svg.wide{max-width:none}
svg.narrow{display:none}
.scroll{overflow-x:auto}
table{border-collapse:collapse;font-size:13.5px;font-variant-numeric:tabular-nums;width:100%}
th,td{padding:6px 10px;text-align:right;border-bottom:1px solid var(--line);white-space:nowrap}
th{font-weight:600;color:var(--soft);font-size:12.5px}
th:first-child,td:first-child,td.text,th.text{text-align:left}
td.text{white-space:normal;overflow-wrap:anywhere;min-width:16em}
tbody tr:last-child td{border-bottom:0}
td small{display:block;font-size:11.5px;color:var(--soft)}
td.best{background:var(--best);color:var(--best-ink);font-weight:600}
td.best small{color:inherit}
.swatch{display:inline-block;vertical-align:middle;margin-right:8px;width:26px;height:10px}
details{margin-top:12px}
.spaced{margin-top:16px}
summary{cursor:pointer;color:var(--mark);font-weight:600}
.tip{position:absolute;pointer-events:none;z-index:2;background:var(--card);border:1px solid var(--line);border-radius:8px;
  padding:6px 9px;font-size:12px;line-height:1.45;box-shadow:0 4px 14px rgb(0 0 0/.18);white-space:nowrap;
  font-variant-numeric:tabular-nums}
.tip b{display:block}
.tip i{display:inline-block;width:9px;height:9px;border-radius:2px;margin-right:6px}
[data-key]{cursor:pointer}
[data-key]:focus-visible{outline:2px solid var(--mark)}
.off{opacity:.18}
footer{margin-top:32px;font-size:12.5px;color:var(--soft)}
@media(max-width:760px){main{padding:18px 12px 40px}.grid{grid-template-columns:minmax(0,1fr)}svg.wide{display:none}
  svg.narrow{display:block}.card{padding:12px}h1{font-size:22px}.facts{grid-template-columns:repeat(2,minmax(0,1fr))}
  .facts dd{font-size:18px}}
@media(prefers-color-scheme:dark){:root{--page:#0f1216;--card:#171b21;--ink:#e8edf2;--soft:#a3aeba;--line:#2c343e;--mark:#6cb6ff;
  --best:#163a2b;--best-ink:#9fe6c3}
)";
inline constexpr std::string_view print_sheet = R"(}
@media print{body{background:#fff}main{max-width:none;padding:0}.card,.facts div{border-color:#ccc}details>*{display:block}}
)";

/// The styles. Pictures are drawn in the colours of paper; on a dark page each colour is exchanged for its twin of the night.
inline std::string style() {
    std::string night;
    for (auto const& i : chart::inks)
        for (char const* what : {"fill", "stroke"})
            night += "svg [" + std::string(what) + "=\"" + std::string(i.paper) + "\"]{" + what + ":" + std::string(i.night) + "}\n";
    return std::string(sheet).append(night).append(print_sheet);
}

/// Shows values under the pointer and lets names switch lines off. What it reads stands in the pictures: a ground's scales, a line's name.
inline std::string_view script() {
    return R"js((()=>{
const short=v=>{const a=Math.abs(v);for(const[s,u]of[[1e12,'T'],[1e9,'G'],[1e6,'M'],[1e4,'k']])if(a>=s)return(v/(u=='k'?1e3:s)).toPrecision(4).replace(/\.?0+$/,'')+u;return a&&a<.001?v.toExponential(2):String(+v.toPrecision(4))};
const scale=text=>{const[a,b,log]=text.split(' ');const f=log?Math.log:x=>x,g=log?Math.exp:x=>x,l=f(+a),h=f(+b);return t=>g(l+t*(h-l))};
for(const svg of document.querySelectorAll('figure svg')){
 const ground=svg.querySelector('[data-x]');if(!ground)continue;
 const n=k=>+ground.getAttribute(k),left=n('x'),top=n('y'),w=n('width'),h=n('height'),X=scale(ground.dataset.x),Y=scale(ground.dataset.y);
 const lines=[...svg.querySelectorAll('polyline[data-name]')].map(e=>({e,name:e.dataset.name,colour:e.getAttribute('stroke'),points:e.getAttribute('points').split(' ').map(p=>p.split(',').map(Number))}));
 if(lines.length){
 const card=svg.closest('figure'),tip=card.querySelector('.tip')??document.createElement('div'),rule=document.createElementNS('http://www.w3.org/2000/svg','line');
 tip.className='tip';tip.hidden=true;card.append(tip);rule.setAttribute('stroke','#999999');rule.setAttribute('y1',top);
  rule.setAttribute('y2',top+h);rule.style.display='none';svg.append(rule);
 const hide=()=>{tip.hidden=true;rule.style.display='none'};
 svg.addEventListener('pointerleave',hide);
 svg.addEventListener('pointermove',event=>{
  const box=svg.getBoundingClientRect(),x=(event.clientX-box.left)*svg.viewBox.baseVal.width/box.width;
  if(x<left||x>left+w)return hide();
  const found=new Map();
  for(const l of lines){if(l.e.classList.contains('off'))continue;let best=null;
  for(const p of l.points)if(!best||Math.abs(p[0]-x)<Math.abs(best[0]-x))best=p;
   if(Math.abs(best[0]-x)<=Math.max(8,w/l.points.length)){const old=found.get(l.name);
  if(!old||Math.abs(old.p[0]-x)>Math.abs(best[0]-x))found.set(l.name,{p:best,colour:getComputedStyle(l.e).stroke})}}
  if(!found.size)return hide();
  tip.replaceChildren();const head=document.createElement('b');head.textContent=short(X((x-left)/w))+' tokens';tip.append(head);
  for(const[name,v]of[...found].sort((a,b)=>a[1].p[1]-b[1].p[1])){const row=document.createElement('div'),dot=document.createElement('i');dot.style.background=v.colour;row.append(dot,name+'  '+short(Y(1-(v.p[1]-top)/h)));tip.append(row)}
  tip.hidden=false;rule.style.display='';rule.setAttribute('x1',x);rule.setAttribute('x2',x);
  const c=card.getBoundingClientRect(),at=event.clientX-c.left;tip.style.top=Math.max(4,event.clientY-c.top-tip.offsetHeight/2)+'px';
  tip.style.left=(at+18+tip.offsetWidth<c.width?at+18:Math.max(0,at-18-tip.offsetWidth))+'px'});
 }
 for(const key of svg.querySelectorAll('text[data-key]')){
  const flip=()=>{for(const e of svg.querySelectorAll('[data-name],[data-key]'))if((e.dataset.name??e.dataset.key)===key.dataset.key)e.classList.toggle('off');key.setAttribute('aria-pressed',!key.classList.contains('off'))};
  key.setAttribute('tabindex',0);key.setAttribute('role','button');key.setAttribute('aria-pressed',true);
  key.addEventListener('click',flip);
  key.addEventListener('keydown',e=>{if(e.key==='Enter'||e.key===' '){e.preventDefault();flip()}})}
}
})();)js";
}

/// A picture as part of a page, with a class; `svg` is what chart::svg wrote.
inline std::string placed(std::string svg, std::string_view kind) {
    auto const at = svg.find("<svg");
    return svg.insert(at + 4, " class=\"" + std::string(kind) + "\" role=\"group\"");
}
/// A figure with a heading and a line of explanation; none where there is no picture.
inline std::string figure(std::string_view heading, std::string_view says, std::string const& pictures, bool all_columns = false) {
    if (pictures.empty()) return {};
    return "<figure class=\"card" + std::string(all_columns ? " all" : "") + "\"><figcaption><h3>" + escaped(heading) + "</h3>" +
           (says.empty() ? "" : "<p>" + escaped(says) + "</p>") + "</figcaption>\n" + pictures + "</figure>\n";
}
inline std::string section(std::string_view heading, std::string const& content) {
    return content.empty() ? "" : "<section><h2>" + escaped(heading) + "</h2>\n" + content + "</section>\n";
}
inline std::string spaced(std::string const& content) { return content.empty() ? "" : "<div class=\"spaced\">" + content + "</div>\n"; }
inline std::string grid(std::string const& figures) { return figures.empty() ? "" : "<div class=\"grid\">\n" + figures + "</div>\n"; }

/// One cell of a table: text with what else belongs to it, and whether it is the best of its column.
struct cell {
    std::string text, small{};
    bool        best = false;
    std::string before{};  ///< HTML
};
inline std::string table(std::vector<std::string> const& head, std::vector<std::vector<cell>> const& rows,
                         std::vector<std::size_t> const& words = {}) {
    auto const  is_words = [&](std::size_t k) { return std::find(words.begin(), words.end(), k) != words.end(); };
    std::string s = "<div class=\"card scroll\"><table><thead><tr>";
    for (std::size_t k = 0; k < head.size(); ++k)
        s += std::string("<th scope=\"col\"") + (is_words(k) ? " class=\"text\"" : "") + ">" + escaped(head[k]) + "</th>";
    s += "</tr></thead><tbody>\n";
    for (auto const& row : rows) {
        s += "<tr>";
        for (std::size_t k = 0; k < row.size(); ++k) {
            auto const& c = row[k];
            s += std::string("<td") +
                 (c.best        ? " class=\"best\""
                  : is_words(k) ? " class=\"text\""
                                : "") +
                 ">" + c.before + escaped(c.text) + (c.best ? " <span title=\"best\">\u2605</span>" : "") +
                 (c.small.empty() ? "" : "<small>" + escaped(c.small) + "</small>") + "</td>";
        }
        s += "</tr>\n";
    }
    return s + "</tbody></table></div>\n";
}
/// Numbers that a reader looks for first: name and value.
inline std::string facts(std::vector<std::pair<std::string, std::string>> const& all) {
    std::string s = "<dl class=\"facts\">\n";
    for (auto const& [name, value] : all) s += "<div><dt>" + escaped(name) + "</dt><dd>" + escaped(value) + "</dd></div>\n";
    return s + "</dl>\n";
}

/// The file.
inline std::string whole(std::string_view title, std::string_view below, std::string const& content, std::string_view foot) {
    return "<!DOCTYPE html>\n<html lang=\"en\"><head><meta charset=\"utf-8\"><meta name=\"viewport\" "
           "content=\"width=device-width,initial-scale=1\">\n<title>" +
           escaped(title) + "</title>\n<link rel=\"icon\" href=\"data:,\">\n<style>\n" + style() +
           "</style></head>\n<body><main>\n<header><h1>" + escaped(title) + "</h1>\n<p class=\"soft\">" + escaped(below) +
           "</p></header>\n" + content + "<footer>" + escaped(foot) + "</footer>\n</main>\n<script>\n" + std::string(script()) +
           "\n</script>\n</body></html>\n";
}

}  // namespace midtrain::inline MT_ABI::page
