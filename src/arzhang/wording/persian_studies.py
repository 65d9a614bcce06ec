"""Persian: what the studies of translation, of one network under test, of transposed convolutions and comparisons say."""

STUDIES: dict[str, str] = {
    # --- pix2pix taken apart, and CycleGAN beside it (4c–4h) --------------------------------------------------------
    "study.translation": "pix2pix جزء به جزء، و CycleGAN در کنار آن",
    "study.translation_about": "همهٔ حالت‌ها روی همان داده آموزش دیده و روی همان تصویرهای آزمون سنجیده شده‌اند: یک قطعه‌بند به ساخته‌ها "
    "می‌نگرد و آنچه می‌گوید با برچسب‌های داده‌شده مقایسه می‌شود (امتیاز FCN). عددهای مقاله‌ها از عکس‌های Cityscapes در ۲۵۶×۲۵۶ است: ۲٬۹۷۵ "
    "عکس، ۲۰۰ دوره، شبکه‌هایی با پهنای ۶۴ و قطعه‌بندی از خودشان. پس تنها ترتیب‌ها را می‌توان مقایسه کرد، نه اندازه‌ها را. همهٔ حالت‌ها اینجا "
    "در هر گام یک تصویر می‌بینند؛ مقایسهٔ مولدها در مقاله ده تصویر. به CycleGAN ورودی‌های حدود نیمی از صحنه‌ها و عکس‌های نیمهٔ دیگر داده "
    "می‌شود، تا هیچ دوتایی به هم تعلق نداشته باشند.",
    "translation.setup": "هر حالت {epochs:,} دوره روی {train:,} زوج ${size}×{size}$ پیکسلی با پهنای {width} آموزش دیده و حالت پایانی‌اش روی "
    "{test:,} زوج آزمون سنجیده شده است. قطعه‌بند در عکس‌های واقعی به IoU رده‌ای {real:.3f} می‌رسد که سقف است، و در تصویری خاکستری به "
    "{grey:.3f} که کف است.",
    "translation.one_seed": "هر حالت یک بار آموزش دیده است: ± خطای معیار روی تصویرهای آزمون است (برای اختلاف: اختلاف زوجی). از اینکه وزن‌های "
    "آغازین دیگری چه می‌داد چیزی نمی‌گوید.",
    "translation.seeds": "هر حالت {seeds} بار آموزش دیده است: ± خطای معیار روی آن‌ها است.",
    "translation.told_as": "{first} در IoU رده‌ای بالاتر از {second} است، {first_value:.3f} در برابر {second_value:.3f}، با اختلاف "
    "${difference:.3f} ± {error:.3f}$: تشخیص‌پذیر و به ترتیب مقاله ({first_paper:.2f} و {second_paper:.2f}).",
    "translation.told_against": "{first} در IoU رده‌ای بالاتر از {second} است، {first_value:.3f} در برابر {second_value:.3f}، با اختلاف "
    "${difference:.3f} ± {error:.3f}$: تشخیص‌پذیر و برخلاف ترتیب مقاله ({first_paper:.2f} و {second_paper:.2f}).",
    "translation.told_level": "{first} در IoU رده‌ای بالاتر از {second} است، {first_value:.3f} در برابر {second_value:.3f}، با اختلاف "
    "${difference:.3f} ± {error:.3f}$: تشخیص‌پذیر، حال آنکه مقاله برای هر دو {first_paper:.2f} دارد.",
    "translation.told_alone": "{first} در IoU رده‌ای بالاتر از {second} است، {first_value:.3f} در برابر {second_value:.3f}، با اختلاف "
    "${difference:.3f} ± {error:.3f}$: تشخیص‌پذیر. مقاله چنین زوجی ندارد.",
    "translation.alike": "{first} و {second} با IoU رده‌ای از هم تشخیص‌پذیر نیستند: {first_value:.3f} و {second_value:.3f}، با اختلاف "
    "${difference:.3f} ± {error:.3f}$ (مقاله: {first_paper:.2f} و {second_paper:.2f}).",
    "translation.alike_alone": "{first} و {second} با IoU رده‌ای از هم تشخیص‌پذیر نیستند: {first_value:.3f} و {second_value:.3f}، با اختلاف "
    "${difference:.3f} ± {error:.3f}$. مقاله چنین زوجی ندارد.",
    "translation.best": "بیشترین IoU رده‌ای، {value:.3f}، از آنِ {arm} است: {share:.0%} سقف.",
    "translation.nearest_same": "کمترین {term} نیز از آنِ همان است: {value:.4g}.",
    "translation.nearest_other": "کمترین {term} از آنِ {arm} است، {value:.4g}؛ {best} مقدار {other:.4g} دارد، "
    "${difference:.2g} ± {error:.1g}$ بیشتر: تشخیص‌پذیر.",
    "translation.nearest_alike": "کمترین {term} از آنِ {arm} است، {value:.4g}؛ {best} مقدار {other:.4g} دارد، "
    "${difference:.2g} ± {error:.1g}$ بیشتر: تشخیص‌ناپذیر.",
    "translation.cost": "CycleGAN دارای {cycle_weights:,} وزن است و در هر گام {cycle_passes} بار دسته‌ای را از یک شبکه می‌گذراند، pix2pix "
    "دارای {pix_weights:,} وزن و {pix_passes} بار؛ اینجا هر گام {cycle_milliseconds:.0f} در برابر {pix_milliseconds:.0f} میلی‌ثانیه زمان "
    "برد، {ratio:.1f} برابر، و کل آموزش {cycle_seconds:.0f} ثانیه ({cycle_steps:,} گام) در برابر {pix_seconds:.0f} ثانیه ({pix_steps:,} گام). "
    "در عوض به زوج نیازی ندارد.",
    "translation.sheet": "تصویرهای آزمون، از چپ: آنچه داده شد، {arms}، عکس واقعی",
    "translation.figure.objectives": "چه چیزی کمینه شود (جدول ۱ مقاله)",
    "translation.figure.generators": "U-Net و رمزگذار–رمزگشا (جدول ۲ مقاله)",
    "translation.figure.patches": "هر داوری چقدر می‌بیند (جدول ۳ مقاله)",
    "translation.figure.cyclegan": "با زوج و بدون زوج",
    "translation.panel.class_iou": "IoU رده‌ای (بیشتر بهتر)",
    "translation.panel.paper": "IoU رده‌ای در مقاله",
    "translation.panel.l1": "L1 (کمتر بهتر)",
    "translation.panel.kid": "KID (کمتر بهتر)",
    "translation.legend.over_images": "ما، ± خطای معیار روی تصویرها",
    "translation.legend.over_seeds": "ما، ± خطای معیار روی بذرها",
    "translation.legend.paper": "مقاله",
    "translation.legend.real": "عکس‌های واقعی: سقف",
    "translation.legend.grey": "تصویر خاکستری: کف",
    "table.translation.objectives": "چه چیزی کمینه شود، به عدد",
    "table.translation.generators": "U-Net و رمزگذار–رمزگشا، به عدد",
    "table.translation.patches": "میدان‌های دید، به عدد",
    "table.translation.cyclegan": "با زوج و بدون زوج، به عدد",
    "table.translation.cost": "هزینهٔ هر آموزش",
    "column.arm": "حالت",
    "column.pixel_accuracy": "دقت پیکسلی",
    "column.class_accuracy": "دقت رده‌ای",
    "column.class_iou": "IoU رده‌ای",
    "column.iou_error": "± در IoU رده‌ای",
    "column.paper": "هر سه در مقاله",
    "column.l1": "L1",
    "column.l1_error": "± در L1",
    "column.fid": "FID",
    "column.weights": "وزن‌ها",
    "column.passes": "گذر در هر گام",
    "column.steps": "گام‌ها",
    "column.step_milliseconds": "زمان هر گام، میلی‌ثانیه",
    "arm.l1": "L1",
    "arm.gan": "GAN",
    "arm.cgan": "cGAN",
    "arm.l1_gan": "L1 + GAN",
    "arm.l1_cgan": "L1 + cGAN",
    "arm.decoder_l1": "رمزگذار–رمزگشا، L1",
    "arm.decoder_l1_cgan": "رمزگذار–رمزگشا، $L1 + cGAN$",
    "arm.unet_l1": "U-Net، L1",
    "arm.unet_l1_cgan": "U-Net، $L1 + cGAN$",
    "arm.pix2pix": "pix2pix (L1 + cGAN)",
    "arm.patch_70": "تکه‌های ۷۰ پیکسلی",
    "arm.patch_1": "تکه‌های ۱ پیکسلی",
    "arm.patch_16": "تکه‌های ۱۶ پیکسلی",
    "arm.patch_34": "تکه‌های ۳۴ پیکسلی",
    "arm.patch_286": "تکه‌های ۲۸۶ پیکسلی",
    "arm.cyclegan": "CycleGAN",
    "arm.real": "عکس‌های واقعی",
    "arm.grey": "تصویر خاکستری",
    "term.fid": "FID",
    "term.kid": "KID",
    # --- Which term moves which weights (4h) ------------------------------------------------------------------------
    "study.updates": "کدام جمله کدام وزن‌ها را حرکت می‌دهد",
    "study.updates_about": "گام‌های آموزش خود pix2pix، جزء به جزء: گرادیان هر جمله، همان‌گونه که در زیان بازیکنش به حساب می‌آید، نسبت به "
    "وزن‌های هر بلوک از هر دو شبکه، جذر میانگین مربعات روی {steps} گام؛ و آنچه یک گام کاملِ حلقه، نوبت به نوبت، حرکت می‌دهد.",
    "updates.zero": "دو جملهٔ تمایزگر به هیچ وزنی از مولد نمی‌رسد: در همهٔ {generator} بلوک دقیقاً صفر، زیرا آنچه به آن نشان داده می‌شود جدا "
    "(detach) شده است. L1 به هیچ وزنی از تمایزگر نمی‌رسد: در همهٔ {discriminator} بلوک دقیقاً صفر، زیرا از آن نمی‌پرسد.",
    "updates.leak": "{term} به {count} بلوک از {network} می‌رسد، با گرادیانی تا {value:.3g}، آنجا که نباید هیچ باشد: دو بازیکن از هم جدا "
    "نیستند.",
    "updates.through": "جملهٔ بازی از همهٔ بلوک‌های تمایزگر به مولد می‌گذرد (گرادیانش در آنجا {value:.3g} می‌بود)، ولی در نوبت مولد تمایزگر "
    "منجمد است.",
    "updates.turns": "یک گام وزن‌های تمایزگر را تنها در نوبت خودش حرکت می‌دهد، هر بلوک را از {discriminator_least:.1e} تا "
    "{discriminator_most:.1e} برابرِ نُرمش، و وزن‌های مولد را در نوبت خودش، از {generator_least:.1e} تا {generator_most:.1e}.",
    "updates.moved_leak": "نوبت {turn} به تعداد {count} بلوک از {network} را حرکت داد که باید دست‌نخورده می‌گذاشت.",
    "updates.sum": "چهار جمله، با وزن‌های ½، ½، ۱ و $λ = {l1:g}$ (از فاصله‌ای در $[−1, 1]$)، با خطای {error:.0e} جمعاً گرادیان دو زیان را "
    "می‌دهند.",
    "updates.sum_off": "چهار جمله، با وزن‌های ½، ½، ۱ و $λ = {l1:g}$، جمعاً گرادیان دو زیان را نمی‌دهند: {error:.2g} از آن باقی می‌ماند. چیز "
    "دیگری در یکی از زیان‌ها هست.",
    "updates.ratio_start": "پیش از آموزش، نُرم گرادیان L1 در مولد {whole:.3g} برابرِ گرادیان بازی است؛ کمترین در {least_block} "
    "({least:.3g} برابر) و بیشترین در {most_block} ({most:.3g} برابر).",
    "updates.ratio_trained": "پس از آموزش، {whole:.3g} برابرِ گرادیان بازی است؛ کمترین در {least_block} ({least:.3g} برابر) و بیشترین در "
    "{most_block} ({most:.3g} برابر).",
    "updates.figure.reach": "گرادیان هر جمله در هر بلوک",
    "updates.figure.shares": "دو جملهٔ مولد، بلوک به بلوک",
    "updates.panel.start": "پیش از آموزش",
    "updates.panel.trained": "پس از آموزش",
    "updates.axis.norm": "نُرم گرادیان",
    "updates.legend.zero": "دقیقاً صفر",
    "updates.legend.frozen": "می‌گذرد ولی چیزی را حرکت نمی‌دهد: در این نوبت منجمد",
    "updates.legend.g_adversarial_start": "بازی، پیش از آموزش",
    "updates.legend.g_adversarial_trained": "بازی، پس از آموزش",
    "updates.legend.g_l1_start": "L1، پیش از آموزش",
    "updates.legend.g_l1_trained": "L1، پس از آموزش",
    "updates.term.d_real": "$D$: زوج واقعی",
    "updates.term.d_fake": "$D$: زوج ساختگی",
    "updates.term.g_adversarial": "$G$: بازی",
    "updates.term.g_l1": "$G: λ · L1$",
    "term.d_real": "جملهٔ زوج‌های واقعیِ تمایزگر",
    "term.d_fake": "جملهٔ زوج‌های ساختگیِ تمایزگر",
    "table.updates.blocks": "همهٔ بلوک‌ها پس از آموزش: گرادیان جمله‌ها، و آنچه یک گام حرکت داد",
    "column.block": "بلوک",
    "column.updates_d_real": "$D$: زوج واقعی",
    "column.updates_d_fake": "$D$: زوج ساختگی",
    "column.updates_g_adversarial": "$G$: بازی",
    "column.updates_g_l1": "$G: λ · L1$",
    "column.moved_discriminator": "حرکت در نوبت $D$",
    "column.moved_generator": "حرکت در نوبت $G$",
    # --- What dropout varies (4g) -----------------------------------------------------------------------------------
    "study.variety": "dropout چه چیزی را تغییر می‌دهد",
    "study.variety_about": "تنها نوفهٔ pix2pix، dropout در سه بلوک آن است که در کاربرد همچون آموزش روشن است. {n:,} ورودی آزمون، از هرکدام "
    "{outputs} خروجی با نوفهٔ خودش، و خروجی بدون نوفه؛ همه به واحد بازهٔ خاکستری.",
    "variety.spread": "روی {outputs} بار کشیدن dropout (نرخ {dropout:g}) خروجی‌های یک ورودی در هر پیکسل انحراف معیار "
    "${value:.4f} ± {error:.4f}$ دارند (میانگین روی پیکسل‌ها و {n} ورودی): {share:.0%} آنچه خروجی‌های ورودی‌های گوناگون دارند "
    "({between:.3f}؛ تصویرهای واقعی: {real:.3f}).",
    "variety.off": "با dropout خاموش، خروجی‌های یک ورودی تا آخرین بیت برابرند: نوفهٔ دیگری نیست.",
    "variety.off_differs": "با dropout خاموش، خروجی‌های یک ورودی هنوز {value:.3g} اختلاف دارند: چیز دیگری تصادفی است.",
    "variety.error_more": "خروجی با نوفه از تصویر واقعی دورتر از خروجی بدون نوفه است: L1 برابر {on:.4f} در برابر {off:.4f}، با اختلاف "
    "${gap:.4f} ± {error:.4f}$.",
    "variety.error_less": "خروجی با نوفه به تصویر واقعی نزدیک‌تر از خروجی بدون نوفه است: L1 برابر {on:.4f} در برابر {off:.4f}، با اختلاف "
    "${gap:.4f} ± {error:.4f}$.",
    "variety.error_alike": "خروجی با نوفه به همان دوریِ خروجی بدون نوفه از تصویر واقعی است: L1 برابر {on:.4f} و {off:.4f}، با اختلاف "
    "${gap:.4f} ± {error:.4f}$.",
    "variety.beside_error": "این پراکندگی ({value:.4f}) به اندازهٔ {ratio:.2f} برابرِ خطای خود یک خروجی است (L1 برابر {l1:.4f})؛ میانگین همهٔ "
    "خروجی‌های یک ورودی L1 برابر {mean:.4f} دارد. اگر خروجی‌ها نمونه‌هایی از همهٔ تصویرهای جور با ورودی بودند، پراکندگی به اندازهٔ خطا می‌بود.",
    "variety.where": "خروجی‌ها آنجا که برچسب {most} است بیش از همه فرق دارند ({most_value:.4f}) و در {least} کمتر از همه ({least_value:.4f}).",
    "variety.sheet": "از چپ: آنچه داده شد، {outputs} خروجی با نوفه، انحراف معیار روی {of} تا از آن‌ها (سیاه: صفر، روشن‌ترین: {most:.2f})، خروجی "
    "بدون نوفه، تصویر واقعی",
    "variety.figure.spread": "خروجی‌های یک ورودی چقدر از هم دورند",
    "variety.panel.beside": "در کنار فاصله‌های دیگر",
    "variety.panel.classes": "انحراف معیار به تفکیک ردهٔ نقشهٔ برچسب",
    "variety.axis.grey": "بازهٔ خاکستری",
    "variety.bar.spread_on": "یک ورودی، dropout روشن",
    "variety.bar.spread_off": "یک ورودی، dropout خاموش",
    "variety.bar.between": "ورودی‌های گوناگون",
    "variety.bar.real_between": "تصویرهای واقعی گوناگون",
    "variety.bar.l1_on": "خطای یک خروجی (L1)",
    "variety.row.spread_on": "انحراف معیار خروجی‌های یک ورودی، dropout روشن",
    "variety.row.spread_off": "همان، dropout خاموش",
    "variety.row.between": "انحراف معیار خروجی‌های ورودی‌های گوناگون",
    "variety.row.real_between": "انحراف معیار تصویرهای واقعی",
    "variety.row.l1_on": "L1 خروجی با نوفه",
    "variety.row.l1_off": "L1 خروجی بدون نوفه",
    "variety.row.l1_mean": "L1 میانگین خروجی‌های با نوفه",
    "variety.row.gap": "L1 با نوفه منهای L1 بدون نوفه",
    "variety.row.class": "انحراف معیار خروجی‌های یک ورودی آنجا که برچسب {name} است",
    "table.variety.numbers": "همهٔ عددها",
    "column.variety_of": "چه",
    "column.value": "مقدار",
    "column.standard_error": "± خطای معیار",
    # --- What a PatchGAN sees (4f) ----------------------------------------------------------------------------------
    "study.patches": "یک PatchGAN چه می‌بیند",
    "study.patches_about": "هر خروجی تمایزگر دربارهٔ یک تکه داوری می‌کند. اندازهٔ آن اندازه گرفته می‌شود: گرادیان داوریِ میانی نسبت به هر پیکسلِ "
    "بیرون از آن صفر است. سپس آنچه پس از آموزش روی {n:,} عکس آزمون، واقعی و ساختگی، داوری می‌کند.",
    "patches.exact": "با اندازه‌گیری از راه گرادیان، داوریِ میانی به پهنای {fields} پیکسل وابسته است: همان که نام‌ها می‌گویند.",
    "patches.off": "تمایزگر {named} پیکسلی، با اندازه‌گیری از راه گرادیان، پهنای {field} پیکسل را می‌بیند.",
    "patches.decides": "میدان دید {field}: هر تصویر ${rows}×{columns}$ داوری می‌گیرد و داوریِ میانی {share:.2%} پیکسل‌هایش را می‌بیند. روی {n} "
    "زوج آزمون {right_real:.1%} (± {real_error:.1%}) داوری‌ها دربارهٔ عکس‌های واقعی درست است و {right_made:.1%} (± {made_error:.1%}) "
    "داوری‌ها دربارهٔ ساختگی‌ها؛ درون یک عکس ساختگی انحراف معیارشان {spread_made:.3f} است.",
    "patches.sheet": "میدان دید {field}. از چپ: آنچه داده شد، عکس واقعی و داوری‌ها روی آن، عکس ساختگی و داوری‌ها روی آن (آبی: واقعی دانسته، "
    "سرخ: ساختگی)",
    "patches.figure.fields": "تکه‌ای که داوریِ میانی می‌بیند",
    "patches.figure.decisions": "داوری‌ها پس از آموزش چند بار درست‌اند",
    "patches.panel.field": "پهنای {field}؛ ${rows}×{columns}$ داوری",
    "patches.axis.field": "میدان دید، پیکسل",
    "patches.axis.right": "داوری‌های درست",
    "patches.legend.real": "روی عکس‌های واقعی",
    "patches.legend.made": "روی ساختگی‌ها",
    "patches.legend.coin": "سکه انداختن",
    "table.patches.fields": "همهٔ میدان‌های دید به عدد",
    "column.field_named": "نامیده",
    "column.field_measured": "اندازه‌گیری‌شده",
    "column.decisions": "داوری‌ها",
    "column.right_real": "درست روی واقعی",
    "column.right_made": "درست روی ساختگی",
    "column.mean_real": "میانگین روی واقعی",
    "column.mean_made": "میانگین روی ساختگی",
    "column.spread_real": "پراکندگی درون واقعی",
    "column.spread_made": "پراکندگی درون ساختگی",
    # --- A conditional GAN told each class (4a) ---------------------------------------------------------------------
    "study.classes": "GAN شرطی، رده به رده",
    "study.classes_about": "به هر دو بازیکن رده گفته می‌شود: مولد تصویری از آن می‌سازد و تمایزگر داوری می‌کند که تصویر واقعی و از آن رده هست یا "
    "نه. دسته‌بندی که تنها روی تصویرهای واقعی آموزش دیده می‌گوید هر تصویر ساختگی از کدام رده است.",
    "classes.told": "پس از {epochs} دوره، دسته‌بند در {value:.1%} (± {error:.1%}) از {n:,} تصویر همان ردهٔ خواسته‌شده را می‌بیند؛ روی {real_n:,} "
    "تصویر واقعی در {real:.1%} موارد درست می‌گوید. از روی تصادف {chance:.0%} می‌بود.",
    "classes.ends": "بهترین رده {best} است ({best_value:.0%}) و بدترین {worst} ({worst_value:.0%}).",
    "classes.mistaken": "پرتکرارترین خطا: {value:.0%} آنچه باید {asked} باشد {seen} دانسته می‌شود.",
    "classes.variety": "تصویرهای یک رده به اندازهٔ {made:.3f} از میانگین خود فاصله دارند و تصویرهای واقعی {real:.3f}: تنوعشان {share:.0%} "
    "تنوع واقعی است، که درصد بالا چیزی از آن نمی‌گوید.",
    "classes.sheet": "ده تصویر از هر رده، در هر ستون نوفهٔ یکسان؛ از بالا: {names}",
    "classes.figure.confusion": "آنچه خواسته شد، و آنچه دسته‌بند می‌بیند",
    "classes.axis.asked": "خواسته‌شده",
    "classes.axis.seen": "دیده‌شده",
    "table.classes.each": "همهٔ رده‌ها به عدد",
    "column.class_asked": "خواسته‌شده",
    "column.class_seen": "همان دیده‌شده",
    "column.class_other": "وگرنه بیشتر دیده‌شده همچون",
    "column.class_other_share": "سهم آن",
    # --- A network as a drawing -------------------------------------------------------------------------------------
    "explain.title": "{name}: {weights:,} وزن",
    "explain.glyph": "توپُر: نقشه‌ای که هر بلوک می‌دهد؛ بلندی‌اش لگاریتم پیکسل‌های ضلع و پهنایش لگاریتم کانال‌ها است.",
    "explain.skips": "در عرض: پرش‌ها، هرکدام با کانال‌هایی که کنار کانال‌های زیرین می‌آورد.",
    "explain.output": "خروجی",
    "explain.passes": "${given} → {made}$",
    "explain.of": "{count} از {source}",
    "explain.sees": "می‌بیند: {seen}",
    "explain.sees_all": "همه را می‌بیند",
    # --- Two groups of runs compared --------------------------------------------------------------------------------
    "compare.title": "{first} یا {second}",
    "compare.which": "الف همان {first} است؛ ب همان {second}.",
    "compare.a": "الف",
    "compare.b": "ب",
    "compare.apart": "الف − ب",
    "compare.range": "{low} تا {high}",
    "compare.table": "رأی‌ها",
    "compare.interval": "بازهٔ ۹۵ درصدی",
    "compare.floor": "کف",
    "compare.verdict": "رأی",
    "compare.by_seed_pairs": "{first} اجرا از هرکدام، زوج‌شده با بذر تصادفی ({seeds}): آزمون $t$ استیودنت روی اختلاف‌ها، روی همان تصویرهای آزمون.",
    "compare.by_seeds": "{first} اجرا و {second} اجرا که بذرهایشان یکی نیست: آزمون $t$ ولش روی بذرها، روی همان تصویرهای آزمون.",
    "compare.by_image_pairs": "یک اجرا از هرکدام، زوج‌شده با تصویر آزمون: این رأیی دربارهٔ دو شبکهٔ آموزش‌دیده است. از اینکه بذر دیگری چه می‌داد خبر ندارد.",
    "compare.by_images": "یک اجرا از هرکدام، که تصویرهای آزمونشان مستقل گرفته می‌شوند: این رأیی دربارهٔ دو شبکهٔ آموزش‌دیده است. از اینکه بذر دیگری چه می‌داد "
    "خبر ندارد.",
    "compare.by_nothing": "در هر طرف یک اجرا، بی خطایی که بتوان بر آن تکیه کرد: اختلاف‌ها بدون بازه.",
    "compare.refused": "{metric}: مقایسه نشد: {why}",
    "compare.first": "الف بهتر است",
    "compare.second": "ب بهتر است",
    "compare.more": "الف بیشتر است؛ هیچ‌یک از این رو بهتر نیست",
    "compare.less": "ب بیشتر است؛ هیچ‌یک از این رو بهتر نیست",
    "compare.alike": "اختلافی بزرگ‌تر از {within:.2g} نیست",
    "compare.undecided_seeds": "نامعلوم: به بذرهای بیشتری نیاز دارد، حدود {needed:,} از هرکدام",
    "compare.undecided_images": "نامعلوم: به تصویرهای بیشتری نیاز دارد، حدود {needed:,}",
    "compare.undecided_seeds_unknown": "نامعلوم: چیزی نمی‌گوید چقدر نوسان دارد؛ دو بذر یا بیشتر از هرکدام بدهید",
    # --- Transposed convolutions (3c) -------------------------------------------------------------------------------
    "study.transposed": "کانولوشن ترانهاده",
    "study.transposed_about": "هر پیکسل ورودی هسته را، با وزن مقدار خودش، در خروجی می‌گذارد؛ آنجا که هسته‌ها روی هم می‌افتند جمع می‌شوند. ضلع خروجی "
    "$m = (n − 1)s − 2p + d(k − 1) + o + 1$ است، برای ورودی با ضلع $n$، هستهٔ با ضلع $k$، گام $s$، حاشیهٔ $p$، حاشیهٔ خروجی $o$ و اتساع $d$. هر "
    "ترکیبی از ${side} × {kernel} × {stride} × {padding} × {output_padding} × {dilation}$ مقدار به لایهٔ torch داده می‌شود.",
    "transposed.formula": "فرمول و لایه در همهٔ {accepted:,} ترکیبی که لایه می‌پذیرد یکی هستند.",
    "transposed.formula_fails": "فرمول و لایه در برخی از {accepted:,} ترکیبی که لایه می‌پذیرد فرق دارند: تنها {sides:,} تا یکی هستند. جایی خطایی "
    "هست.",
    "transposed.refused": "لایه {refused:,} ترکیب از {combinations:,} ترکیب را نمی‌پذیرد: همهٔ آن‌هایی که حاشیهٔ خروجی‌شان نه کمتر از گام است و نه کمتر از "
    "اتساع، یا پیکسلی باقی نمی‌گذارند، و نه هیچ ترکیب دیگری.",
    "transposed.refused_otherwise": "از {combinations:,} ترکیب، لایه تنها با {verdicts:,} تا آن‌گونه رفتار می‌کند که قاعده می‌گوید (حاشیهٔ خروجی کمتر از "
    "گام یا اتساع، و پیکسلی باقی‌مانده).",
    "transposed.ways": "دو راه دیگر در همهٔ ترکیب‌ها همان عددها را می‌دهند: بریدن $p$ سطر از آغاز و $p − o$ سطر از پایانِ خروجیِ بی‌حاشیه (با خطای "
    "{crop:.1g})، و کانولوشنی ساده با هستهٔ چرخیده به اندازهٔ ۱۸۰ درجه، روی ورودی با $s − 1$ صفر میان پیکسل‌هایش (با خطای {zeros:.1g}).",
    "transposed.transpose": "این ترانهادهٔ یک کانولوشن است، نه وارون آن: دو ماتریسِ حالتی کوچک ترانهادهٔ یکدیگرند (اختلاف {error:g})، و برای "
    "{restored:,} ترکیبی که کانولوشنی با همان پارامترها خروجی‌شان را به ضلع ورودی بازمی‌گرداند، $⟨conv(x), y⟩ = ⟨x, convT(y)⟩$ است (با خطای "
    "{product_error:.1g}).",
    "transposed.decoder": "سه لایهٔ رمزگشا چنان‌که فرمول می‌گوید ${first} → {second} → {third} → {last}$ می‌روند. از خروجی‌هایشان، آن که بیشتر از همه به آن می‌رسند {most} ورودی "
    "دارد و آن که کمتر از همه {least}.",
    "transposed.even": "برای همهٔ {pairs} زوج هسته و گام، به هر خروجی درست آنگاه تعداد برابری ورودی می‌رسد که گام هسته را بشمارد.",
    "transposed.even_otherwise": "در میان {pairs} زوج هسته و گام، زوج‌هایی هست که رسیدنِ یکنواخت و مضربِ گام بودنِ هسته در آن‌ها با هم نمی‌آید. جایی خطایی "
    "هست.",
    "transposed.worst": "نایکنواخت‌ترین، هستهٔ {k} با گام {s} است: به هر خروجی {least} تا {most} ورودی می‌رسد (واریانس تقسیم بر مربع میانگین "
    "{unevenness:.2f}).",
    "transposed.weights": "نقشی در پاسخ به تصویری یکنواخت از خود لایه است. در {layers:,} لایه با وزن‌های تصادفی، هستهٔ ۳ و گام ۲، {three_share:.0%} توان خروجی "
    "دورهٔ گام را دارد و پیکسل‌ها در میانگین توان فرق دارند (واریانس تقسیم بر مربع میانگین {three_unevenness:.3f}). هستهٔ ۴ پیکسل‌ها را یکسان می‌کند "
    "({four_unevenness:.4f})، ولی چهار گروه وزنِ هر لایه هنوز فرق دارند: {four_share:.0%}. می‌تواند یکنواخت باشد، زیرا وزن‌های دوخطی چنین‌اند "
    "({bilinear_share:.0%})؛ نخست بزرگ کردن و سپس کانولوشن، آن را با هر وزنی یکنواخت می‌گذارد ({resize_share:.0%}).",
    "table.transposed.decoder": "کانولوشن‌های ترانهادهٔ رمزگشا ($3a$)",
    "table.transposed.overlaps": "به هر خروجی چند ورودی می‌رسد",
    "table.transposed.arms": "آنچه از تصویری یکنواخت می‌ماند، به عدد",
    "column.input": "ورودی",
    "column.output": "خروجی",
    "column.kernel": "هسته",
    "column.stride": "گام",
    "column.padding": "حاشیه",
    "column.output_padding": "حاشیهٔ خروجی",
    "column.side": "ضلع",
    "column.reached": "ورودی‌هایی که به یک خروجی می‌رسند",
    "column.least": "کمترین",
    "column.most": "بیشترین",
    "column.unevenness": "واریانس تقسیم بر مربع میانگین",
    "column.layer": "لایه",
    "column.power_unevenness": "توان پیکسل‌ها: واریانس تقسیم بر مربع میانگین",
    "column.share": "سهم توان در دورهٔ گام",
    "transposed.figure.spread": "یک ۱ تنها در میان ۳×۳ پیکسل، هسته‌ای از ۱ تا ۹",
    "transposed.figure.sides": "ضلع خروجی با تغییر یک پارامتر ($n = 5, k = 3, s = 2, p = 1, o = 0, d = 1$)",
    "transposed.figure.matrices": "کانولوشنی با گام ۲ و ترانهادهٔ آن، به صورت ماتریس",
    "transposed.figure.checkerboards": "ورودی‌هایی که به هر خروجی می‌رسند؛ پاسخ یک لایهٔ تصادفی به تصویری یکنواخت",
    "transposed.spread.plain": "گام ۱: ${n} → {side}$",
    "transposed.spread.stride_2": "گام ۲: ${n} → {side}$",
    "transposed.spread.stride_3": "گام ۳: ${n} → {side}$",
    "transposed.spread.padding": "گام ۲، حاشیهٔ ۱: ${n} → {side}$",
    "transposed.spread.output_padding": "… و حاشیهٔ خروجی ۱: ${n} → {side}$",
    "transposed.spread.dilation": "گام ۲، اتساع ۲: ${n} → {side}$",
    "transposed.parameter.n": "ضلع ورودی $n$",
    "transposed.parameter.k": "هستهٔ $k$",
    "transposed.parameter.s": "گام $s$",
    "transposed.parameter.p": "حاشیهٔ $p$",
    "transposed.parameter.o": "حاشیهٔ خروجی $o$",
    "transposed.parameter.d": "اتساع $d$",
    "transposed.axis.side": "ضلع خروجی $m$",
    "transposed.legend.tap": "هسته، گذاشته‌شده",
    "transposed.legend.kept": "خروجی",
    "transposed.legend.begins": "آغاز هستهٔ هر ورودی (توپُر: همان ۱)",
    "transposed.legend.formula": "فرمول",
    "transposed.legend.layer": "لایه",
    "transposed.legend.refused": "لایه نمی‌پذیرد",
    "transposed.legend.above": "هرچه پررنگ‌تر، ورودی‌های بیشتر یا مقدار بزرگ‌تر",
    "transposed.legend.below": "مقدارهای منفی",
    "transposed.matrix.convolution": "کانولوشن، ${m}×{m} → {n}×{n}$",
    "transposed.matrix.transposed": "کانولوشن ترانهاده، ${n}×{n} → {m}×{m}$",
    "transposed.reached": "ورودی‌های رسیده: هستهٔ {k}، گام {s}",
    "transposed.arm.three": "ترانهاده، هستهٔ ۳، گام ۲",
    "transposed.arm.four": "ترانهاده، هستهٔ ۴، گام ۲",
    "transposed.arm.bilinear": "ترانهاده، هستهٔ ۴، گام ۲، وزن‌های دوخطی",
    "transposed.arm.resize": "بزرگ‌شده به دو برابر، سپس هستهٔ ۳",
}
