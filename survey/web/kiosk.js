((d,s)=>{let end,g=i=>d.getElementById(i),f=d.forms[0],w=g("w"),i=w?.dataset.idle,
see=()=>{for(let e of d.querySelectorAll("[data-on]")){let h=!JSON.parse(e.dataset.if).includes(new FormData(f).get(e.dataset.on)||"");e.hidden=h;for(let c of e.querySelectorAll("[name]"))c.disabled=h}},
wake=()=>{end=Date.now()+i*1e3;w.replaceChildren()};
onpageshow=()=>{if(f){f.reset();f._id.value=crypto.randomUUID();f._x.value=new URL(location).searchParams.get("x")||"";f.onchange=see;f.onsubmit=()=>{f._at.value=Date.now()};see()}i&&wake()};
if(i){for(let t of["pointerdown","keydown","input"])addEventListener(t,wake);
setInterval(()=>{let n=Math.ceil((end-Date.now())/1e3);if(n<1)location.replace("./");else if(n<21){w.firstChild||w.append(g("t").content.cloneNode(true));g("n").textContent=n}},1e3)}
if(s){let p=()=>s.controller?.postMessage(0);s.register("sw.js");p();addEventListener("online",p);setInterval(p,3e4)}
navigator.storage?.persist?.()})(document,navigator.serviceWorker)
