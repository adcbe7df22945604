/** The look of an exported SVG; follows the reader's dark or light preference. */
export const svgStyle = `
text{font:11px ui-monospace,Menlo,Consolas,monospace;fill:#111}
.ground{fill:#fff}.title{font-size:15px;text-anchor:middle}
.button{cursor:pointer;text-decoration:underline}
#frames rect{stroke:none}#frames g:hover rect{stroke:#000;stroke-width:1}
#frames text{pointer-events:none}
g.match rect{fill:#d05ce3}g.above{opacity:.5}g.out{display:none}
@media (prefers-color-scheme:dark){.ground{fill:#1f1f1f}.title,.button,#found{fill:#ddd}#frames g:hover rect{stroke:#fff}}
`;

/** The script of an exported SVG: labels, zoom, search. `width` is the picture's in pixels. */
export function svgScript(width: number): string {
  return `
(function(){
'use strict';
var W=${width},CH=6.65,gs=Array.prototype.slice.call(document.querySelectorAll('#frames > g'));
var found=document.getElementById('found');
function fit(g,x,w){
  var t=g.lastChild,n=g.getAttribute('data-n'),k=Math.floor((w-6)/CH);
  t.textContent=k<3?'':n.length<=k?n:n.slice(0,k-1)+'…';
  t.setAttribute('x',x+3);
}
function show(x0,w0){
  gs.forEach(function(g){
    var x=+g.getAttribute('data-x'),w=+g.getAttribute('data-w');
    var inside=x>=x0-1e-9&&x+w<=x0+w0+1e-9,above=x<=x0+1e-9&&x+w>=x0+w0-1e-9;
    g.classList.toggle('out',!inside&&!above);
    g.classList.toggle('above',above&&!inside);
    if(!inside&&!above)return;
    var left=above&&!inside?0:(x-x0)/w0*W,wide=above&&!inside?W:w/w0*W,r=g.querySelector('rect');
    r.setAttribute('x',left);r.setAttribute('width',wide);fit(g,left,wide);
  });
}
function search(text){
  var re=null;try{re=text?new RegExp(text,'i'):null}catch(e){found.textContent='not a regular expression';return}
  var sum=0,end=-1;
  gs.forEach(function(g){
    var hit=!!re&&g!==gs[0]&&re.test(g.getAttribute('data-n'));
    g.classList.toggle('match',hit);
    var x=+g.getAttribute('data-x'),w=+g.getAttribute('data-w');
    if(hit&&x>=end-1e-12){sum+=w;end=x+w}
  });
  found.textContent=re?(100*sum).toFixed(2)+'% matched':'';
}
document.getElementById('frames').addEventListener('click',function(e){
  var g=e.target.parentNode;if(g&&g.hasAttribute('data-x'))show(+g.getAttribute('data-x'),+g.getAttribute('data-w'));
});
document.getElementById('reset').addEventListener('click',function(){show(0,1)});
function ask(){var text=prompt('Search for (regular expression)','');if(text!==null)search(text)}
document.getElementById('search').addEventListener('click',ask);
document.addEventListener('keydown',function(e){
  if(e.key==='Escape')show(0,1);else if(e.key==='/'||(e.ctrlKey&&e.key==='f')){e.preventDefault();ask()}
  else if(e.key==='Enter'&&e.target.classList.contains('button'))e.target.dispatchEvent(new MouseEvent('click'));
});
show(0,1);
})();
`;
}
