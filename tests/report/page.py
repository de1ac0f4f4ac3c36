"""page.py DRAW SCRATCH: reports on one run and on six in headless Chromium, in light and dark, on a screen and on a phone. Says that it is
skipped, and ends with 77, where there is no Chromium."""
import html
import json
import re
import shutil
import struct
import subprocess
import sys
import zlib
from pathlib import Path

HERE = Path(__file__).parent
WIDTHS = (1280, 420)
SECTIONS = {"one": ["Loss", "Evaluation", "Schedule", "Experts and tokens further on", "Speed", "Stages", "Sources", "Events", "Settings"],
            "six": ["Runs", "Loss", "Held-out loss", "Settings that differ", "Schedule and speed", "Evaluation", "Events"]}
FIGURES = {"one": ["Training loss by source", "Held-out loss", "Loss by position", "Long context: needle", "Mixture", "Learning rate", "Tokens a step",
                   "Gradient norm", "Load of experts", "Loss by token ahead", "Tokens a second", "Time by phase"],
           "six": ["Training loss of each run", "At each run's end", "Learning rate", "Time by phase", "Loss by position: books"]}
# Added to a copy of the page: moves the pointer over the first picture, switches a line off, and notes what only a browser knows.
PROBE = """<script>addEventListener('load',()=>{
const channels=c=>{const v=c.match(/[\\d.]+/g).map(Number);return v.length<4||v[3]>0?v:null};
const luminance=v=>{const f=v.slice(0,3).map(x=>(x/=255)<=.04045?x/12.92:((x+.055)/1.055)**2.4);return .2126*f[0]+.7152*f[1]+.0722*f[2]};
const ground=e=>{for(;e;e=e.parentElement){const c=channels(getComputedStyle(e).backgroundColor);if(c)return c}return[255,255,255]};
let worst=99,where='';
for(const e of document.querySelectorAll('body *')){
 if(!e.getClientRects().length||![...e.childNodes].some(n=>n.nodeType==3&&n.data.trim()))continue;
 if(['SCRIPT','STYLE','title'].includes(e.tagName))continue;
 const style=getComputedStyle(e),a=luminance(channels(e.ownerSVGElement?style.fill:style.color)),b=luminance(ground(e));
 const ratio=(Math.max(a,b)+.05)/(Math.min(a,b)+.05);if(ratio<worst){worst=ratio;where=e.textContent}}
const root=document.documentElement,picture=[...document.querySelectorAll('svg')].find(s=>s.querySelector('[data-x]')&&s.getClientRects().length),box=picture.getBoundingClientRect();
picture.dispatchEvent(new PointerEvent('pointermove',{clientX:box.left+box.width*.4,clientY:box.top+box.height*.5,bubbles:true}));
const tip=picture.closest('figure').querySelector('.tip');
picture.querySelector('text[data-key]').dispatchEvent(new MouseEvent('click',{bubbles:true}));
const list=tag=>[...document.querySelectorAll(tag)].map(e=>e.textContent);
parent.document.body.append(Object.assign(parent.document.createElement('pre'),{textContent:JSON.stringify({width:innerWidth,overflow:root.scrollWidth-root.clientWidth,
 contrast:worst,faintest:where,ground:getComputedStyle(document.body).backgroundColor,tip:tip.hidden?'':tip.innerText,off:picture.querySelectorAll('.off').length,
 sections:list('h2'),figures:list('h3'),pictures:[...document.querySelectorAll('svg')].filter(s=>s.getClientRects().length).length})}));
})</script>"""


def pixels(path):
    """Distinct colours of a PNG of 8 bits a channel, and how many of its pixels have each of the two most frequent ones."""
    data = path.read_bytes()
    assert data[:8] == b"\x89PNG\r\n\x1a\n", path
    at, packed = 8, b""
    while at < len(data):
        size, kind = struct.unpack(">I4s", data[at:at + 8])
        body = data[at + 8:at + 8 + size]
        if kind == b"IHDR":
            width, height, depth, colour = struct.unpack(">IIBB", body[:10])
            assert depth == 8 and colour in (2, 6), (depth, colour)
        elif kind == b"IDAT":
            packed += body
        at += 12 + size
    raw = zlib.decompress(packed)
    n = 3 if colour == 2 else 4
    stride, above, counts = width * n, bytearray(width * n), {}
    for y in range(height):
        kind, line = raw[y * (stride + 1)], bytearray(raw[y * (stride + 1) + 1:(y + 1) * (stride + 1)])
        for i in range(stride):
            left, up, corner = line[i - n] if i >= n else 0, above[i], above[i - n] if i >= n else 0
            if kind == 1:
                line[i] = line[i] + left & 255
            elif kind == 2:
                line[i] = line[i] + up & 255
            elif kind == 3:
                line[i] = line[i] + (left + up) // 2 & 255
            elif kind == 4:
                p = left + up - corner
                nearest = min((abs(p - left), 0, left), (abs(p - up), 1, up), (abs(p - corner), 2, corner))[2]
                line[i] = line[i] + nearest & 255
        for x in range(0, stride, 3 * n):
            c = bytes(line[x:x + 3])
            counts[c] = counts.get(c, 0) + 1
        above = line
    return counts


def browse(browser, scratch, page, width, dark, what):
    done = subprocess.run([browser, "--headless", "--no-sandbox", "--disable-gpu", "--hide-scrollbars", f"--user-data-dir={scratch / 'profile'}",
                           "--enable-logging=stderr", f"--window-size={width},800", f"--blink-settings=preferredColorScheme={0 if dark else 1}", what,
                           page.resolve().as_uri()], capture_output=True, text=True, timeout=120)
    console = [line for line in done.stderr.splitlines() if "CONSOLE" in line]
    assert done.returncode == 0 and not console, (page, done.returncode, console)
    return done.stdout


def check(browser, scratch, name, page):
    probed = html.escape(page.read_text().replace("</body>", PROBE + "</body>"))
    framed = scratch / f"{name}.framed.html"  # in frames, which may be narrower than a window
    framed.write_text("<!DOCTYPE html><html><body>" + "".join(
        f'<iframe width="{width}" height="900" style="border:0" srcdoc="{probed}"></iframe>' for width in WIDTHS) + "</body></html>")
    grounds = {}
    for dark in (False, True):
        dom = browse(browser, scratch, framed, 1400, dark, "--dump-dom")
        found = [json.loads(html.unescape(text)) for text in re.findall(r"<pre>(.*?)</pre>", dom, re.S)]
        assert sorted(f["width"] for f in found) == sorted(WIDTHS), (name, found)
        for said in found:
            label = f"{name}, {'dark' if dark else 'light'}: {said}"
            assert said["overflow"] <= 0, label
            assert said["contrast"] >= 4.5, label  # WCAG 2.2, 1.4.3 for text of this size
            assert " tokens\n" in said["tip"] and said["off"] > 1, label
            assert said["pictures"] >= 5, label
            assert set(SECTIONS[name]) <= set(said["sections"]) and set(FIGURES[name]) <= set(said["figures"]), label
            grounds[dark] = said["ground"]
    assert grounds[False] != grounds[True], grounds
    for dark in (False, True):
        picture = scratch / f"{name}.{'dark' if dark else 'light'}.png"
        browse(browser, scratch, page, 560, dark, f"--screenshot={picture.resolve()}")
        counts = pixels(picture)
        total, most = sum(counts.values()), sorted(counts.items(), key=lambda c: -c[1])
        assert len(counts) > 40 and most[0][1] < 0.9 * total, (picture, len(counts), most[:2])  # not blank
        assert (sum(most[0][0]) < 200) == dark, (picture, most[:2])
    print(f"ok  {name}")


def main(draw, scratch):
    browser = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if not browser:
        print("skipped: there is no Chromium")
        sys.exit(77)
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(parents=True)
    subprocess.run([sys.executable, HERE / "runs.py", scratch / "runs"], check=True)
    six = sorted((scratch / "runs").glob("*-maths-*"))
    assert len(six) == 6
    for name, runs in (("one", [scratch / "runs/single"]), ("six", six)):
        page = scratch / f"{name}.html"
        subprocess.run([draw, page, *runs], check=True)
        text = page.read_text()
        for foreign in ("http://", "https://", "src=", "@import"):
            assert foreign not in text.replace("http://www.w3.org/2000/svg", ""), foreign
        check(browser, scratch, name, page)


main(sys.argv[1], Path(sys.argv[2]))
